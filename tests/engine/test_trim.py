"""Long files are cut to the context, at places that stay while the user types."""

import itertools
import time

import pytest

from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel
from assistant.engine.trim import Trimmer
from assistant.errors import PromptError
from assistant.messages import CompletionRequest, SamplingParams
from assistant.prompts import CHAT_FORMATS, Renderer
from tests.engine.tiny import CONTEXT, CORPUS

LINES = "".join(f"value_{number} = compute({number})\n" for number in range(40_000))
CODE = (CORPUS[0] + CORPUS[1]) * 400
DENSE = "".join(chr(0x4E00 + number * 7 % 8000) for number in range(30_000))
"""Characters that the tiny tokenizer never saw: three tokens each."""
MAX_TOKENS = 64


@pytest.fixture
def trimmer(loaded: LoadedModel) -> Trimmer:
    return Trimmer(loaded.renderer, loaded.context)


def test_what_fits_is_left_alone(trimmer: Trimmer, loaded: LoadedModel) -> None:
    request = CompletionRequest(
        "def add(a, b):\n    return ", "\nprint(add(1, 2))\n", "python", "a.py"
    )
    assert trimmer.prompt(request, MAX_TOKENS) == loaded.renderer.complete(request)


@pytest.mark.parametrize(
    "text", [LINES, CODE, DENSE, "x" * 100_000], ids=["lines", "code", "dense", "x"]
)
@pytest.mark.parametrize("side", ["prefix", "suffix", "both"])
def test_long_text_uses_the_context_and_leaves_room(trimmer: Trimmer, text: str, side: str) -> None:
    prefix = text if side != "suffix" else "start = "
    suffix = text if side != "prefix" else "\nend = 1\n"
    prompt = trimmer.prompt(CompletionRequest(prefix, suffix), MAX_TOKENS)
    room = CONTEXT - MAX_TOKENS
    assert room / 2.5 <= len(prompt.ids) <= room


def test_the_text_next_to_the_cursor_is_what_stays(trimmer: Trimmer) -> None:
    cut = trimmer.cutter.cut(CompletionRequest(CODE, CODE), 400)
    assert CODE.endswith(cut.prefix) and CODE.startswith(cut.suffix)
    assert CODE[: -len(cut.prefix)].endswith("\n"), "the prefix begins with a whole line"
    assert cut.suffix.endswith("\n")
    assert len(cut.prefix) > len(cut.suffix) > 0


def test_at_the_files_start_the_suffix_gets_most(trimmer: Trimmer) -> None:
    top = trimmer.cutter.cut(CompletionRequest("import ", CODE), 400)
    middle = trimmer.cutter.cut(CompletionRequest(CODE, CODE), 400)
    assert top.prefix == "import " and len(top.suffix) > 2 * len(middle.suffix)
    between = trimmer.cutter.cut(CompletionRequest(CODE[:500], CODE), 400)
    assert between.prefix == CODE[:500]
    assert len(top.suffix) > len(between.suffix) > len(middle.suffix)


@pytest.mark.parametrize("text", [LINES, CODE, DENSE[:3000]], ids=["lines", "code", "dense"])
def test_the_cut_stays_while_typing(trimmer: Trimmer, text: str) -> None:
    budget, typed = 400, 600
    starts = []
    for count in range(typed):
        prefix = text[: 2000 + count]
        cut = trimmer.cutter.cut(CompletionRequest(prefix, CODE), budget)
        starts.append(len(prefix) - len(cut.prefix))
    moves = sum(one != other for one, other in itertools.pairwise(starts))
    assert moves <= typed / 20


def test_the_suffix_stays_while_typing_from_the_files_start(trimmer: Trimmer) -> None:
    suffixes = [
        trimmer.cutter.cut(CompletionRequest(LINES[:count], CODE), 400).suffix
        for count in range(1500)
    ]
    assert sum(one != other for one, other in itertools.pairwise(suffixes)) <= 3


def test_a_large_file_costs_no_tokenizing_of_all_of_it(trimmer: Trimmer) -> None:
    request = CompletionRequest(LINES, LINES)
    assert len(request.prefix) > 1_000_000
    trimmer.prompt(request, MAX_TOKENS)
    begun = time.perf_counter()
    for _ in range(5):
        trimmer.prompt(request, MAX_TOKENS)
    assert (time.perf_counter() - begun) / 5 < 0.05


@pytest.mark.parametrize("format_name", ["vicuna_v1.1", "alpaca"])
@pytest.mark.parametrize("text", [LINES, "x" * 100_000], ids=["lines", "x"])
def test_a_chat_model_that_gets_some_of_the_text_twice(
    loaded: LoadedModel, format_name: str, text: str
) -> None:
    renderer = Renderer(loaded.renderer.tokenizer, chat_format=CHAT_FORMATS[format_name])
    prompt = Trimmer(renderer, 2048).prompt(CompletionRequest(text, text), MAX_TOKENS)
    assert len(prompt.ids) <= 2048 - MAX_TOKENS


def test_an_answer_as_long_as_the_context_leaves_room_for_the_text(
    engine: Engine, trimmer: Trimmer
) -> None:
    request = CompletionRequest(CODE)
    assert len(trimmer.prompt(request, 100_000).ids) > CONTEXT / 3
    last = list(engine.complete(request, SamplingParams(max_tokens=100_000)))[-1]
    assert last.usage is not None
    assert last.usage.prompt_tokens + last.usage.completion_tokens <= CONTEXT


def test_a_context_too_small_for_the_format(loaded: LoadedModel) -> None:
    with pytest.raises(PromptError, match="context of 4 tokens is too small"):
        Trimmer(loaded.renderer, 4).prompt(CompletionRequest("a = "), 1)
