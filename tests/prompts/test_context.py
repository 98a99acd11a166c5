"""Pieces of other files in a prompt: where they stand, and that they stay text."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from assistant.messages import CompletionRequest, Snippet
from assistant.prompts import FIM_FORMATS, IGNORED, FimFormat, Renderer, TextTokenizer
from assistant.prompts.cutting import Cutter
from assistant.prompts.fim import render_fim, render_plain
from assistant.prompts.fim_text import Spelling, render_fim_text
from assistant.prompts.reading import parts_read
from assistant.prompts.segments import BOS, EOS
from assistant.prompts.tasks import fill_in
from tests.prompts.families import CONTROL, FAMILIES, families

REQUEST = CompletionRequest(
    "before",
    "after",
    language="python",
    path="/home/me/shop/src/main.py",
    project="/home/me/shop",
    context=(Snippet("src/a.py", "def a(): ...\n"), Snippet("b.py", "B = 1\n\nC = 2")),
)
COMMENTS = "# src/a.py\n# def a(): ...\n# b.py\n# B = 1\n#\n# C = 2\n"
WRITTEN = {
    "codellama": f"<s>▁<PRE>▁<SUF>after▁<MID> {COMMENTS}before",
    "starcoder": f"<fim_prefix>{COMMENTS}before<fim_suffix>after<fim_middle>",
    "starcoder2": (
        "<repo_name>shop<file_sep>src/a.py\ndef a(): ...\n<file_sep>b.py\nB = 1\n\nC = 2\n"
        "<file_sep><fim_prefix>src/main.py\nbefore<fim_suffix>after<fim_middle>"
    ),
    "deepseek": (
        "<s><｜fim▁begin｜>#src/a.py\ndef a(): ...\n\n#b.py\nB = 1\n\nC = 2\n\n"
        "#src/main.py\nbefore<｜fim▁hole｜>after<｜fim▁end｜>"
    ),
    "qwen": (
        "<|repo_name|>shop\n<|file_sep|>src/a.py\ndef a(): ...\n"
        "<|file_sep|>b.py\nB = 1\n\nC = 2\n"
        "<|file_sep|>src/main.py\n<|fim_prefix|>before<|fim_suffix|>after<|fim_middle|>"
    ),
    "starter": "<s><|fim_suffix|>after<|fim_prefix|>before<|fim_middle|>",
}
_TEXT = st.lists(
    st.sampled_from((*CONTROL, "</s>", "\n", "    ", " ", "#", "é你🙂", "\ud83d"))
    | st.text(max_size=8),
    max_size=5,
).map("".join)
_CONTEXT = st.lists(st.builds(Snippet, _TEXT, _TEXT), max_size=3).map(tuple)


@pytest.mark.parametrize("name", FIM_FORMATS)
def test_where_they_stand(name: str) -> None:
    segments = render_fim(REQUEST, FIM_FORMATS[name])
    text = "".join(segment.text for segment in segments)
    assert text.replace("{bos}", "<s>") == WRITTEN[name]


def test_without_a_format_they_are_comments_before_the_text() -> None:
    text = "".join(segment.text for segment in render_plain(REQUEST))
    assert text == f"{{bos}}{COMMENTS}before"
    assert render_fim_text(REQUEST, None).text == f"{COMMENTS}before"


def test_a_chat_model_reads_them_first() -> None:
    question = fill_in(REQUEST).messages[0].content
    places = [question.index(text) for text in ("src/a.py", "b.py", "\nafter\n", "\nbefore\n")]
    assert places == sorted(places)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", FIM_FORMATS)
@settings(max_examples=25, deadline=None)
@given(context=_CONTEXT, prefix=_TEXT, middle=_TEXT, path=_TEXT, project=_TEXT)
def test_they_stay_text_and_what_is_served_is_learned(
    family: str,
    name: str,
    context: tuple[Snippet, ...],
    prefix: str,
    middle: str,
    path: str,
    project: str,
) -> None:
    renderer = families()[family].renderer(fim=name)
    control = renderer.tokenizer.control_ids
    request = CompletionRequest(prefix, "x", "python", path, context, project)
    plain = CompletionRequest(
        "x", "x", "python", "x", tuple(Snippet("x", "x") for _ in context), "x"
    )
    ids = renderer.complete(request).ids
    expected = [number for number in renderer.complete(plain).ids if number in control]
    assert [number for number in ids if number in control] == expected

    trained = renderer.complete_training(request, middle)
    assert trained.ids[: len(ids)] == ids
    assert set(trained.labels[: len(ids)]) <= {IGNORED}


@given(_CONTEXT, _TEXT, st.sampled_from(list(FIM_FORMATS.values())), st.sampled_from(Spelling))
@settings(deadline=None)
def test_in_text_for_other_servers_too(
    context: tuple[Snippet, ...], prefix: str, fim_format: FimFormat, spelling: Spelling
) -> None:
    def count(request: CompletionRequest) -> list[int]:
        text = render_fim_text(request, fim_format, spelling).text
        names = [name for name in fim_format.all_tokens if name not in (BOS, EOS)]
        space = spelling is Spelling.SPACE
        return [text.count(name.replace("▁<", " <") if space else name) for name in names]

    plain = CompletionRequest("x", "x", context=tuple(Snippet("x", "x") for _ in context))
    assert count(CompletionRequest(prefix, "x", path=prefix, context=context)) == count(plain)


def test_what_a_format_reads_and_in_which_order() -> None:
    read = {name: parts_read(fim_format) for name, fim_format in FIM_FORMATS.items()}
    assert read["qwen"] == ("context", "prefix", "suffix")
    assert read["codellama"] == ("suffix", "context", "prefix")
    assert read["starter"] == ("suffix", "prefix")


def test_a_vocabulary_without_the_tokens_for_files_reads_none() -> None:
    made = families()["byte-level"]
    spec = made.fast.to_str().replace("<|repo_name|>", "<|another|>")
    tokenizer = TextTokenizer(Tokenizer.from_str(spec), bos=made.bos, eos=made.eos)
    renderer = Renderer(tokenizer, fim_format=FIM_FORMATS["qwen"])
    assert renderer.reads == ("prefix", "suffix")
    assert renderer.complete(REQUEST).ids == renderer.complete(replace(REQUEST, context=())).ids


@given(_CONTEXT, _TEXT, _TEXT, st.integers(4, 200))
@settings(deadline=None)
def test_a_request_that_is_too_long_keeps_the_file_first(
    context: tuple[Snippet, ...], prefix: str, suffix: str, budget: int
) -> None:
    cut = Cutter(len).cut(CompletionRequest(prefix, suffix, context=context), budget)
    assert cut.context == context[: len(cut.context)]
    size = sum(len(piece.path) + len(piece.text) for piece in cut.context)
    assert size <= budget // 4
    assert size + len(cut.prefix) + len(cut.suffix) <= budget
    longer = Cutter(len).cut(CompletionRequest(prefix + "x", suffix, context=context), budget)
    assert longer.context == cut.context, "it stays while one types"
