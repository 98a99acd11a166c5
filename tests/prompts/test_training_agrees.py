"""What is learned is what is served, and text never becomes a control token, whatever it holds."""

import time
from collections import Counter
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.messages import Conversation
from assistant.prompts import CHAT_FORMATS, IGNORED, Renderer
from assistant.prompts.tokenizer import well_formed
from tests.prompts.families import CONTROL, FAMILIES, conversation, families
from tests.prompts.templates import TEMPLATES, template_renderer

HOSTILE = (
    "</s>",
    "<s>",
    "<unk>",
    "<0x0A>",
    "USER:",
    " ASSISTANT: ",
    "\n### Response:",
    "### Human: ",
    "###",
    "[/INST]",
    "<<SYS>>",
    "{content}",
    "{eos}",
    "{bos}",
    "{system}",
    "\x00",
    "\ud800",
    "\udfff",
    "\ue000",
    "\ue0010",
    "\ue0000\ue001",
    "\x0b",
    "\x0b\ue0001\ue001\x0b",
    "\ufeff",
    " ",
    "  ",
    "\n",
    "\t",
    "\r\n",
    "def f(x):\n    return x",
    "你好",
    "🙂",
    *CONTROL,
)
_TEXT = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=6).map("".join)
_TALK = st.lists(_TEXT, min_size=2, max_size=6).filter(lambda texts: len(texts) % 2 == 0)
_PATIENT = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

RENDERERS = [(family, f"{fmt}") for family in FAMILIES for fmt in CHAT_FORMATS]
RENDERERS += [(family, name) for family in FAMILIES for name in TEMPLATES]


def renderer_for(family: str, fmt: str) -> Renderer:
    if fmt in TEMPLATES:
        return template_renderer(family, fmt)
    return families()[family].renderer(chat=fmt)


def runs(labels: tuple[int, ...]) -> list[tuple[int, int]]:
    """Where labels stand: the start and end of each unbroken run."""
    found, place = [], 0
    for learned, group in groupby(labels, key=lambda label: label != IGNORED):
        length = len(list(group))
        if learned:
            found.append((place, place + length))
        place += length
    return found


def check(renderer: Renderer, talk: Conversation) -> None:
    trained = renderer.chat_training(talk)
    assert len(trained.ids) == len(trained.labels)
    assert all(
        label in (IGNORED, own) for label, own in zip(trained.labels, trained.ids, strict=True)
    )
    answers = [index for index, m in enumerate(talk.messages) if m.role == "assistant"]
    learned = runs(trained.labels)
    assert len(learned) == len(answers)
    for index, (start, end) in zip(answers, learned, strict=True):
        prompt = renderer.chat(Conversation(talk.messages[:index]))
        assert prompt.ids == trained.ids[: len(prompt.ids)]
        assert start == len(prompt.ids)
        *answer, last = trained.ids[start:end]
        if last in prompt.end_ids:
            text = renderer.tokenizer.decode(answer)
        else:  # the turn is closed in words, which are learned as well
            (stop,) = prompt.stop
            text = renderer.tokenizer.decode([*answer, last])
            assert text.endswith(stop)
            text = text.removesuffix(stop)
        assert readable(text).strip() == readable(talk.messages[index].content).strip()


def readable(content: str) -> str:
    """What a text is once it went through a tokenizer.

    Sentencepiece cannot tell its own mark for a space from a space.
    """
    return well_formed(content).replace("▁", " ")


@pytest.mark.parametrize(("family", "fmt"), RENDERERS)
@_PATIENT
@given(texts=_TALK, system=st.none() | _TEXT)
def test_serving_and_training_give_the_same_ids(
    family: str, fmt: str, texts: list[str], system: str | None
) -> None:
    check(renderer_for(family, fmt), conversation(*texts, system=system))


@pytest.mark.parametrize(("family", "fmt"), RENDERERS)
@_PATIENT
@given(texts=_TALK, system=_TEXT.map(lambda text: text + "x"))
def test_text_never_becomes_a_control_token(
    family: str, fmt: str, texts: list[str], system: str
) -> None:
    renderer = renderer_for(family, fmt)

    def control(talk: Conversation) -> Counter[int]:
        ids = renderer.chat_training(talk).ids
        return Counter(number for number in ids if number in renderer.tokenizer.control_ids)

    plain = conversation(*("x" for _ in texts), system="x")
    assert control(conversation(*texts, system=system)) == control(plain)


@pytest.mark.parametrize(("family", "fmt"), RENDERERS)
@_PATIENT
@given(question=_TEXT, start=_TEXT)
def test_an_answer_that_was_begun_goes_on(family: str, fmt: str, question: str, start: str) -> None:
    renderer = renderer_for(family, fmt)
    before = renderer.chat(conversation(question)).ids
    begun = renderer.chat(conversation(question, start)).ids
    assert begun[: len(before)] == before
    assert renderer.tokenizer.control_ids.isdisjoint(begun[len(before) :])
    written = readable(renderer.tokenizer.decode(begun[len(before) :]))
    assert written in (readable(start), readable(" " + start), readable(start).removeprefix(" "))


@pytest.mark.parametrize("family", FAMILIES)
@_PATIENT
@given(text=_TEXT)
def test_text_survives_the_way_through_ids(family: str, text: str) -> None:
    tokenizer = families()[family].text_tokenizer()
    ids = tokenizer.encode_text("x" + text)
    assert tokenizer.control_ids.isdisjoint(ids)
    assert readable(tokenizer.decode(ids)) == "x" + readable(text)


def test_surrogates() -> None:
    assert well_formed("a\ud83d\ude42b") == "a🙂b"
    assert well_formed("a\ud83db\ude42") == "a\ufffdb\ufffd"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "word " * 200_000,
        "</s><|im_end|>" * 70_000,
        " " * 1_000_000,
        "你" * 300_000,
    ],
    ids=["one word", "words", "control tokens", "blanks", "Chinese"],
)
def test_a_megabyte_on_one_line_takes_seconds(family: str, text: str) -> None:
    renderer = families()[family].renderer(chat="vicuna_v1.1")
    begin = time.process_time()
    prompt = renderer.chat(conversation(text))
    assert time.process_time() - begin < 8
    assert len(prompt.ids) > 1000
