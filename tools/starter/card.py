"""The model card: `card.md`, filled in with what was measured and recorded."""

import json
import textwrap
from pathlib import Path
from string import Template
from typing import Any

from safetensors import safe_open

from assistant.prompts import CHAT_FORMATS, FIM_FORMATS, Task
from tools.starter import history, model, train
from tools.starter.corpus import DEVELOPMENT_PERCENT, sources
from tools.starter.plan import WARM_UP
from tools.starter.samples import MIX
from tools.starter.tokenizer import BOS, VOCABULARY

TEMPLATE = Path(__file__).with_name("card.md")
TAUGHT = (
    Task.POLISH,
    Task.EXPAND,
    Task.CONTINUE,
    Task.EXPLAIN,
    Task.DOCSTRING,
    Task.COMMENT_TO_CODE,
)

Figures = dict[str, Any]


def evaluation(run: Path, step: int) -> Figures | None:
    """What `tools.starter.evaluate` measured at this very step, if it did."""
    path = run / "evaluation.json"
    figures: Figures = json.loads(path.read_text()) if path.exists() else {}
    return figures if figures.get("step") == step else None


def write(run: Path, folder: Path) -> str:
    """The card of an exported folder."""
    with safe_open(folder / "model.safetensors", "pt") as file:
        step = int(file.metadata()["step"])
        tokens = int(file.metadata()["tokens"])
        count = sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118
    past, figures = history.read(run, step), evaluation(run, step)
    return Template(TEMPLATE.read_text()).substitute(
        parameters=f"{count / 1e6:.1f}",
        megabytes=round((folder / "model.safetensors").stat().st_size / 1e6),
        tokens=f"{tokens / 1e6:.1f}",
        step=step,
        cooldown=past.cooldown_from or step,
        training=_training(past, tokens),
        limits=_limits(figures) if figures else "- Not measured.",
        measured=_measured(figures) if figures else "Not measured.",
        corpus=_corpus(figures) if figures else "",
        mix=_mix(),
        sources="\n".join(
            f"| {one.name} | {one.version} | {one.licence} |"
            for one in sources()
            if one.part == "train"
        ),
        **_shape(),
        **_prompts(),
    )


def _mix() -> str:
    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in MIX.items())
    return _filled(
        "Every window is packed with samples of several kinds, all made from the corpus by seeded"
        f" rules. By their shares of the tokens: {shares}. In code and prose every token is"
        " learned, in tasks the answer alone, and of ten holes four with all of the text around"
        " them and six with their middles alone."
    )


def _shape() -> dict[str, str]:
    shape = model.config()
    heads = f"{shape.num_attention_heads} heads ({shape.num_key_value_heads} for keys and values)"
    return {
        "shape": f"Llama: {shape.num_hidden_layers} layers of width {shape.hidden_size}, {heads},"
        " input and output embedding shared",
        "vocabulary": f"{VOCABULARY:,}",
        "context": f"{model.CONTEXT:,}",
    }


def _prompts() -> dict[str, str]:
    fim, chat = FIM_FORMATS["starter"], CHAT_FORMATS["starter"]
    form = fim.prompt.replace("{bos}", BOS)
    example = {"prefix": "def area(width, height):\\n    return", "suffix": "\\n"}
    return {
        "fim": form,
        "fim_end": fim.close,
        "example": form.format(**example),
        "chat": BOS + chat.user + chat.answer,
        "chat_end": chat.close,
        "words": _filled(
            "`{content}` is one word, a colon, a line end and the text. The words it was taught"
            " are " + ", ".join(f"`{task.value}`" for task in TAUGHT) + "."
        ),
    }


def _training(past: history.History, tokens: int) -> str:
    rates = f"Muon at {train.MUON_RATE} for the hidden matrices, AdamW at {train.ADAM_RATE}"
    fall = "and stayed constant from there on"
    if past.cooldown_from is not None:
        fall = (
            f"stayed constant to step {past.cooldown_from:,}, and fell in a line from there on, to"
            f" zero at step {past.step:,}"
        )
    windows = [f"{window:,} tokens up to step {last:,}" for window, last in past.phases[:-1]]
    windows.append(f"{past.phases[-1][0]:,} tokens {'from there on' if windows else 'throughout'}")
    each = f"{tokens / past.step:,.0f}"
    before = ""
    if past.start is not None:
        before = (
            f"It goes on from the weights of an earlier version ({past.start.tokens:,} tokens;"
            f" SHA-256 {past.start.sha256[:16]}…). "
        )
    return _filled(
        before + f"{past.step:,} steps of {each} tokens, {tokens:,} tokens in all, in"
        f" {past.hours:.1f} hours on two CPU cores in bf16. {rates} for the rest. The learning rate"
        f" rose over {WARM_UP} steps, {fall}. Windows: {', '.join(windows)}."
    )


def _corpus(figures: Figures) -> str:
    sizes = figures["corpus"]
    held_out = [one.name for one in sources() if one.part == "held out"]
    return _filled(
        f"The corpus: {sizes['code'] / 1e6:.0f} million characters of Python and"
        f" {sizes['prose'] / 1e6:.1f} million of documentation. {DEVELOPMENT_PERCENT} % of the"
        " files, chosen by a hash of their names, were looked at while the recipe was made, and"
        f" never trained on. The packages {', '.join(held_out)} are held out whole."
    )


def _limits(figures: Figures) -> str:
    """What the figures say of its weaknesses."""
    line, rest = (figures["completion"][kind]["starter"] for kind in ("line", "rest"))
    texts, summary = figures["polish"], figures["summary"]
    found = [
        f"Few of its completions are exactly what the author wrote: {line['exact']:.1%} of whole"
        f" lines, {rest['exact']:.1%} of rests of lines.",
        f"Of {texts['words_wrong']} words with a mistake it put {texts['words_fixed']} right and"
        f" spoiled {texts['words_broken']} other words on the way. It left"
        f" {texts['clean_unchanged']:.0%} of the texts that had no mistake as they were.",
        f"Its explanations share few words with the author's own summary: an F1 of"
        f" {summary['explain']:.2f}, where the bare name of the function has"
        f" {summary['name_alone']:.2f}.",
    ]
    along = [(key, value) for key, value in figures["loss_by_position"].items() if "-" in key]
    worse = [key for key, value in along if value > along[1][1] + 0.1]
    if worse:
        found.append(
            f"It loses its way in long contexts: behind the first {worse[0].split('-')[0]} tokens"
            " its predictions get worse, not better."
        )
    return "\n".join(_filled(f"- {one}", "  ") for one in found)


def _filled(text: str, indent: str = "") -> str:
    """A paragraph in lines of at most 100 characters."""
    return textwrap.fill(
        text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _measured(figures: Figures) -> str:
    held_out = "On packages that no version was trained on, and by which nothing was chosen."
    parts = (_completion(figures), _polish(figures), _summary(figures), _loss(figures))
    return "\n\n".join((_filled(held_out), *parts))


def _completion(figures: Figures) -> str:
    part = figures["completion"]
    rows = [
        "| completion | cursor behind the indentation: exact | similarity"
        " | cursor within the line: exact | similarity |",
        "| --- | --: | --: | --: | --: |",
    ]
    names = {
        "starter": "the starter",
        "starter_plain": "the starter, from the prefix alone",
        "ngram": "4-gram",
    }
    for key, name in names.items():
        cells = (part[kind][key] for kind in ("line", "rest"))
        shown = (f"{one['exact']:.1%} | {one['similarity']:.2f}" for one in cells)
        rows.append(f"| {name} | {' | '.join(shown)} |")
    about = (
        f"**Completion**, {part['places']} random places of each kind, greedy, to the end of the"
        " line: how often exactly what the author wrote, and the similarity (1 minus the"
        " Levenshtein distance as a share of the longer text). The 4-gram, interpolated with"
        f" absolute discounting, read {figures['ngram_tokens'] / 1e6:.0f} million tokens of the"
        " same training files and sees the prefix only."
    )
    return _filled(about) + "\n\n" + "\n".join(rows)


def _polish(figures: Figures) -> str:
    part = figures["polish"]
    rows = {
        "texts brought closer to the clean text (characters)": f"{part['closer']:.0%}",
        "texts taken farther from it": f"{part['farther']:.0%}",
        "texts restored exactly": f"{part['restored']:.0%}",
        f"wrong words put right, of {part['words_wrong']}": str(part["words_fixed"]),
        "right words spoiled": str(part["words_broken"]),
        f"clean texts left unchanged, of {part['clean_texts']}": f"{part['clean_unchanged']:.0%}",
    }
    return (
        f"**Polish**, {part['texts']} passages with seeded typing and grammar mistakes, and"
        f" {part['clean_texts']} without any:\n\n| | |\n| --- | --: |\n"
        + "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    )


def _summary(figures: Figures) -> str:
    part = figures["summary"]
    return _filled(
        f"**Summaries** of {part['functions']} functions: the F1 of the words shared with the"
        f" author's own is {part['explain']:.2f} for `Explain` and {part['docstring']:.2f} for"
        f" `Docstring`; the words of the function's name alone have {part['name_alone']:.2f}."
    )


def _loss(figures: Figures) -> str:
    rows = ["| kind of sample | nats for each token | for each character |", "| --- | --: | --: |"]
    for kind, value in figures["loss"].items():
        numbers = f"{value['nats_per_token']:.3f} | {value['nats_per_character']:.3f}"
        rows.append(f"| {kind} | {numbers} |")
    along = {key: value for key, value in figures["loss_by_position"].items() if key != "files"}
    places = ", ".join(f"{value:.2f} at positions {key}" for key, value in along.items())
    files = figures["loss_by_position"]["files"]
    behind = f"Along the context, in {files} long files of code, nats for each token: {places}."
    table = "\n".join(rows)
    return f"**Loss**, on the tokens that are learned:\n\n{table}\n\n{_filled(behind)}"
