"""Claim: ten minutes of training on a project make its next lines come right a third more often.

A part of the project's files is put aside and never seen in training. In them lines are chosen at
random, and the served model, with and without the adapter, is asked for each as the language server
asks: the cursor behind the line's indentation, the text before and behind as the editor sends it.
A hit is the whole line. The loss on text that has nothing to do with the project nor with what is
replayed (code of packages that the starter has never read, and Python's manual) may rise by 2 % at
most.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assistant import paths
from assistant.completion.window import request_at
from assistant.context.files import read_source, source_files
from assistant.engine.engine import Engine
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.lora import AdapterHooks, LoraAdapter
from assistant.engine.requests import Job
from assistant.messages import CompletionRequest, SamplingParams
from assistant.registry import locate
from assistant_finetune.data import Document, Origin, is_held_out
from assistant_finetune.data.rendering.documents import document_samples
from assistant_finetune.data.rendering.sample import Learn, Rendering
from assistant_finetune.training.listening import Listener
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.result import Outcome
from assistant_finetune.training.run import start
from assistant_lsp.buffer import TextBuffer
from assistant_lsp.documents import Document as Opened
from assistant_lsp.window import around
from bench.targets import Target, show_verdicts, verdict

ASIDE = 0.2
"""The share of the files that is put aside."""
LINES = 1_500
SHORTEST = 4
"""Characters of a line that is asked for."""
TARGETS = {
    "hits, after to before": Target(4 / 3),
    "general loss, after to before": Target(1.02, at_most=True),
    "minutes": Target(10.0, at_most=True),
}
_GENERAL = {
    "datasketch": "minhash.py",
    "detect_secrets": "core/baseline.py",
    "markdownify": "__init__.py",
    "pathspec": "util.py",
    "trl": "trainer/callbacks.py",
}
"""Packages that come with `assistant[finetune]` and are not in `tools/starter/sources.toml`."""
_PROSE = "pydoc_data/topics.py"
_MOST = 12_000
"""Characters of each general text."""
_TOGETHER = 8
"""Lines that the engine is asked for at once."""
_RESAMPLED = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line to be guessed."""

    request: CompletionRequest
    text: str


def files_of(project: Path) -> dict[str, str]:
    """The Python files of a project, by path."""
    found = {}
    for file in source_files(project, frozenset({"python"})):
        text = read_source(project / file.path)
        if text and text.strip():
            found[file.path] = text
    return found


def aside(path: str) -> bool:
    """Whether a file is put aside: by its name alone."""
    # Not the same choice as the one that training makes of the rest.
    return is_held_out(Document("x", Origin("bench"), f"aside/{path}"), ASIDE)


def lines_of(files: dict[str, str], count: int, context: int, seed: int = 0) -> list[Line]:
    """Lines of some length, chosen at random from all files together.

    `context` is how many tokens the model reads, by which an editor sends more or less.
    """
    places = [
        (path, start, line)
        for path, text in sorted(files.items())
        for start, line in _lines(text)
        if len(line) >= SHORTEST
    ]
    chosen = random.Random(seed).sample(places, min(count, len(places)))
    return [
        Line(_request(path, files[path], start, line, context), line)
        for path, start, line in chosen
    ]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line without the space around it, and where it begins."""
    place = 0
    for line in text.splitlines(keepends=True):
        yield place + len(line) - len(line.lstrip()), line.strip()
        place += len(line)


def _request(path: str, text: str, start: int, line: str, context: int) -> CompletionRequest:
    """What the language server asks where the line is not written yet."""
    buffer = TextBuffer.of(text[:start] + text[start + len(line) :], "utf-16")
    document = Opened(f"file:///{path}", "python", 1, buffer)
    before, after = around(buffer, start)
    return request_at(before, after, document.language, document.path, context)


def hits(engine: Engine, lines: Sequence[Line], adapter: str | None) -> list[bool]:
    """Which lines come out whole."""
    params = SamplingParams(max_tokens=64, temperature=0.0, stop=("\n",))
    found = list[bool]()
    for first in range(0, len(lines), _TOGETHER):
        some = lines[first : first + _TOGETHER]
        answers = [engine.complete(line.request, params, Job(adapter=adapter)) for line in some]
        texts = ["".join(chunk.text for chunk in answer) for answer in answers]
        found += [text.strip() == line.text for text, line in zip(texts, some, strict=True)]
    return found


def ratio_between(before: Sequence[bool], after: Sequence[bool]) -> tuple[float, float]:
    """Where hits after to before lie with a probability of 95 %, by the bootstrap over lines."""
    rng, pairs = random.Random(0), list(zip(before, after, strict=True))
    ratios = list[float]()
    for _ in range(_RESAMPLED):
        some = rng.choices(pairs, k=len(pairs))
        ratios.append(sum(new for _, new in some) / max(sum(old for old, _ in some), 1))
    ratios.sort()
    return ratios[_RESAMPLED // 40], ratios[-_RESAMPLED // 40]


def general_texts() -> Iterator[str]:
    """Code and prose that have nothing to do with the project."""
    for package, name in _GENERAL.items():
        found = find_spec(package)
        assert found is not None and found.submodule_search_locations
        yield (Path(found.submodule_search_locations[0]) / name).read_text("utf-8")[:_MOST]
    yield (Path(os.__file__).parent / _PROSE).read_text("utf-8")[:_MOST]


def general_loss(loaded: Any, adapter: LoraAdapter | None) -> float:
    """Nats for each token of the general texts."""
    import torch
    from torch.nn.functional import cross_entropy

    rendering = Rendering(loaded.renderer, 512, Learn.ALL)
    total, count = 0.0, 0
    with torch.inference_mode(), AdapterHooks(loaded.model).using(adapter):
        for text in general_texts():
            for sample in document_samples(Document(text, Origin("general")), rendering):
                logits = loaded.model(torch.tensor([sample.ids])).logits[0, :-1].float()
                labels = torch.tensor(sample.labels[1:])
                total += float(cross_entropy(logits, labels, reduction="sum"))
                count += int((labels >= 0).sum())
    return total / count


def train(files: dict[str, str], folder: Path, base: str, flags: dict[str, Any]) -> Outcome:
    """Train on the files as a user would, with what `assistant finetune` chooses."""
    project = folder / "project"
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, "utf-8")
    settings = read_settings({"base": base, "data": str(project), "name": "gain", **flags})
    return start(settings, Listener(remark=_tell, measured=_progress), "cpu")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _progress(one: Any) -> None:
    if one.held_out_loss is not None or one.step % 10 == 0:
        loss = one.loss if one.held_out_loss is None else one.held_out_loss
        kind = "loss" if one.held_out_loss is None else "held out"
        print(f"{one.seconds:6.0f} s  {one.step}/{one.steps}  {kind} {loss:.3f}", file=sys.stderr)


def measure(
    project: Path, base: str, folder: Path, count: int, flags: dict[str, Any]
) -> dict[str, Any]:
    """Train, and measure before and after."""
    files = files_of(project.absolute())
    kept = {path: text for path, text in files.items() if aside(path)}
    rest = {path: text for path, text in files.items() if path not in kept}
    load = os.getloadavg()[0]
    begin = time.monotonic()
    outcome = train(rest, folder, base, flags)
    seconds = time.monotonic() - begin
    loaded = load_model(locate(base), LoadOptions("cpu"))
    lines = lines_of(kept, count, loaded.context)
    engine = Engine(loaded)
    engine.add_adapter("gain", outcome.result)
    before, after = hits(engine, lines, None), hits(engine, lines, "gain")
    engine.close()
    plain = load_model(locate(base, str(outcome.result)), LoadOptions("cpu", for_inference=False))
    general = general_loss(plain, None), general_loss(plain, plain.adapter)
    lower, upper = ratio_between(before, after)
    return {
        "files": len(rest),
        "files_aside": len(kept),
        "characters": sum(map(len, rest.values())),
        "lines": len(lines),
        "hits_before": sum(before),
        "hits_after": sum(after),
        "hits_gained": sum(new > old for old, new in zip(before, after, strict=True)),
        "hits_lost": sum(new < old for old, new in zip(before, after, strict=True)),
        "ratio_lower": lower,
        "ratio_upper": upper,
        "general_before": general[0],
        "general_after": general[1],
        "held_out_before": outcome.first_loss,
        "held_out_after": outcome.best_loss,
        "steps": outcome.steps,
        "seconds": seconds,
        "load_average": load,
    }


def main() -> None:
    """Measure, print, and exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=Path(__file__).parents[1] / "assistant")
    parser.add_argument("--base", default="starter")
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--flag", action="append", default=[], help="NAME=VALUE, as JSON")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    flags = {name: json.loads(value) for name, _, value in (f.partition("=") for f in given.flag)}
    with tempfile.TemporaryDirectory() as folder:
        os.environ[paths.HOME_VARIABLE] = folder
        found = measure(given.project, given.base, Path(folder), given.lines, flags)
        shutil.rmtree(Path(folder) / "data", ignore_errors=True)
    ratios = {
        "hits, after to before": found["hits_after"] / max(found["hits_before"], 1),
        "general loss, after to before": found["general_after"] / found["general_before"],
        "minutes": found["seconds"] / 60,
    }
    verdicts = {name: verdict(value, TARGETS[name]) for name, value in ratios.items()}
    if given.json:
        print(json.dumps({**found, "ratios": verdicts}))
    else:
        for name, value in found.items():
            print(f"{name:24}{value:10.3f}" if isinstance(value, float) else f"{name:24}{value:10}")
        show_verdicts(verdicts)
    sys.exit(not all(one["holds"] for one in verdicts.values()))


if __name__ == "__main__":
    main()
