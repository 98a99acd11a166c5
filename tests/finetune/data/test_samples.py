"""Files, places to fill in and tasks become what the model is served, with its answer learned."""

from dataclasses import replace
from itertools import pairwise

import pytest

from assistant.messages import CompletionRequest, Conversation, Message
from assistant.prompts import IGNORED, Renderer, Task, Wording, ask
from assistant_finetune.data import (
    Asked,
    Document,
    Hole,
    Journal,
    Origin,
    Rendering,
    Sample,
    rendering_for,
    samples_of,
)
from assistant_finetune.data.rendering.holes import holes
from tests.prompts.families import families

HERE = Origin("src/a.py")
CODE = "".join(f"def f{n}(x):\n    y = x + {n}\n    return y * {n}\n\n\n" for n in range(60))
REQUEST = CompletionRequest("def f(x):\n    return ", "\n\nprint(f(2))\n", "python", "a.py")


def learned(sample: Sample, renderer: Renderer) -> str:
    return renderer.tokenizer.decode([label for label in sample.labels if label != IGNORED])


def made(example: Document | Hole | Asked, rendering: Rendering) -> list[Sample]:
    journal = Journal()
    found = list(samples_of(example, rendering, journal))
    assert journal.rejected.total() == 0, journal.summary
    return found


@pytest.fixture(scope="module")
def starter() -> Rendering:
    return rendering_for("starter", max_length=256)


@pytest.mark.parametrize("family", ["byte-level", "sentencepiece-first", "sentencepiece-legacy"])
def test_a_text_is_learned_whole_and_once(family: str) -> None:
    renderer = families()[family].renderer(chat="chatml")
    text = "".join(f"Line {number} of a note, naïve 你好.\n" for number in range(200))
    found = made(Document(text, HERE, "a.md", "markdown"), Rendering(renderer, 200))
    assert len(found) > 3
    assert all(len(sample.ids) <= 200 for sample in found)
    ids = [label for sample in found for label in sample.labels if label != IGNORED]
    assert renderer.tokenizer.decode(ids).strip() == text.strip()
    assert ids[-1] == renderer.tokenizer.token_id("{eos}")
    first = renderer.tokenizer.token_id("{bos}")
    assert all(sample.ids[0] == first for sample in found)


def test_windows_end_with_a_line(starter: Rendering) -> None:
    found = made(Document(CODE, HERE, "a.txt"), starter)
    texts = [learned(sample, starter.renderer) for sample in found]
    assert "".join(texts) == CODE
    assert all(text.endswith("\n") for text in texts)


def test_a_file_of_code_is_learned_around_places_as_it_is_served(starter: Rendering) -> None:
    document = Document(CODE, HERE, "a.py", "python")
    renderer = starter.renderer
    for hole, sample in zip(holes(document, 0), made(document, starter), strict=True):
        assert "place" in sample.origin.part
        assert sample.learned == len(sample.ids)
        assert sample.ids[-1] == renderer.tokenizer.token_id("<|end|>")
        prompt = renderer.complete(hole.request)
        if len(prompt.ids) < 200:
            assert sample.ids[: len(prompt.ids)] == prompt.ids
            text = renderer.tokenizer.decode(list(sample.ids[len(prompt.ids) : -1]))
            assert text.strip() == hole.middle.strip()


def test_code_is_learned_whole_where_the_base_cannot_fill_in() -> None:
    renderer = families()["byte-level"].renderer()
    found = made(Document(CODE, HERE, "a.py", "python"), Rendering(renderer, 400))
    assert "".join(learned(sample, renderer) for sample in found).startswith(CODE)


def test_places_are_the_same_for_a_seed_and_others_for_another() -> None:
    document = Document(CODE, HERE, "a.py", "python")
    assert list(holes(document, 0)) == list(holes(document, 0))
    assert list(holes(document, 0)) != list(holes(document, 1))


def test_places_are_all_over_the_file_with_more_or_less_of_it_around_them() -> None:
    text = "".join(f"value_{number} = make({number}, {number * 7})\n" for number in range(600))
    found = list(holes(Document(text, HERE, "a.py", "python"), 0))
    wholes = [hole.request.prefix + hole.middle + hole.request.suffix for hole in found]
    assert all(whole in text for whole in wholes)
    places = [
        text.index(whole) + len(hole.request.prefix)
        for hole, whole in zip(found, wholes, strict=True)
    ]
    gaps = [later - earlier for earlier, later in pairwise(places)]
    assert max(gaps) < 1_700
    sizes = sorted(map(len, wholes))
    assert sizes[len(sizes) // 4] < 1_500
    assert sizes[-1] == len(text)


def test_a_place_is_learned_behind_the_prompt_that_is_served(starter: Rendering) -> None:
    (sample,) = made(Hole(REQUEST, "x + 1", HERE), starter)
    prompt = starter.renderer.complete(REQUEST)
    assert sample.ids[: len(prompt.ids)] == prompt.ids
    assert sample.ids[-1] in prompt.end_ids
    assert learned(sample, starter.renderer).strip() == "x + 1"
    assert sample.learned == len(sample.ids) - len(prompt.ids)


@pytest.mark.parametrize("language", ["python", "markdown"])
@pytest.mark.parametrize("chat", ["vicuna_v1.1", "vicuna_v0", "guanaco", "llama3", "chatml"])
def test_a_model_without_fill_in_learns_its_answer_in_chat(chat: str, language: str) -> None:
    renderer = families()["sentencepiece-first"].renderer(chat=chat)
    request = replace(REQUEST, language=language)
    (sample,) = made(Hole(request, "x + 1", HERE), Rendering(renderer, 2000))
    prompt = renderer.complete(request)
    assert sample.ids[: len(prompt.ids)] == prompt.ids
    assert sample.learned == len(sample.ids) - len(prompt.ids)
    text = learned(sample, renderer)
    assert "x + 1" in text
    if language == "python":
        assert "\n```" in text
    assert sample.ids[-1] in prompt.end_ids or any(text.endswith(stop) for stop in prompt.stop)


def test_a_base_that_knows_only_text_learns_the_text() -> None:
    renderer = families()["byte-level"].renderer()
    (sample,) = made(Hole(REQUEST, "x + 1", HERE), Rendering(renderer, 2000))
    prompt = renderer.complete(REQUEST)
    assert sample.ids[: len(prompt.ids)] == prompt.ids
    assert sample.ids[-1] in prompt.end_ids


def test_a_long_file_around_a_place_is_cut_as_when_served(starter: Rendering) -> None:
    request = replace(REQUEST, prefix=CODE + REQUEST.prefix, suffix=REQUEST.suffix + CODE)
    (sample,) = made(Hole(request, "x + 1", HERE), starter)
    assert len(sample.ids) <= 256
    assert learned(sample, starter.renderer).strip() == "x + 1"


def test_an_answer_without_room_is_named(starter: Rendering) -> None:
    journal = Journal()
    assert list(samples_of(Hole(REQUEST, CODE, HERE), starter, journal)) == []
    (rejected,) = journal.first
    assert rejected.reason.startswith("the text at the place leaves no room")


@pytest.mark.parametrize("wording", Wording)
def test_a_task_is_asked_as_the_base_is_asked(starter: Rendering, wording: Wording) -> None:
    rendering = replace(starter, wording=wording, max_length=2048)
    example = Asked(Task.POLISH, "teh end", "The end.", HERE, "markdown")
    (sample,) = made(example, rendering)
    asked = ask(Task.POLISH, "teh end", wording=wording, language="markdown")
    whole = Conversation((*asked.messages, Message("assistant", "The end.")))
    assert sample.ids == starter.renderer.chat_training(whole).ids
    assert learned(sample, starter.renderer) == "The end."


def test_the_starters_own_wording_is_taken() -> None:
    assert rendering_for("starter", max_length=64).wording is Wording.BRIEF


def test_a_base_without_a_chat_format_names_the_chat() -> None:
    renderer = families()["byte-level"].renderer()
    journal = Journal()
    example = Asked(Task.POLISH, "teh end", "The end.", HERE, "markdown")
    assert list(samples_of(example, Rendering(renderer, 64), journal)) == []
    assert "no chat template" in journal.first[0].reason
