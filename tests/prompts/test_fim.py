"""Code around a cursor, for the models that learned to fill in the middle."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.messages import CompletionRequest
from assistant.prompts import FIM_FORMATS, IGNORED
from assistant.prompts.fim import render_fim
from assistant.prompts.tokenizer import well_formed
from tests.prompts.families import CONTROL, FAMILIES, families

WRITTEN = {
    "codellama": "<s>▁<PRE>▁<SUF>after▁<MID> before",
    "starcoder": "<fim_prefix>before<fim_suffix>after<fim_middle>",
    "starcoder2": "<fim_prefix>before<fim_suffix>after<fim_middle>",
    "deepseek": "<s><｜fim▁begin｜>before<｜fim▁hole｜>after<｜fim▁end｜>",
    "qwen": "<|fim_prefix|>before<|fim_suffix|>after<|fim_middle|>",
    "starter": "<s><|fim_suffix|>after<|fim_prefix|>before<|fim_middle|>",
}
END = {
    "codellama": "▁<EOT>",
    "starcoder": "<|endoftext|>",
    "starcoder2": "<|endoftext|>",
    "deepseek": None,  # the tokenizer's own end of text
    "qwen": "<|endoftext|>",
    "starter": "<|end|>",
}
_CODE = st.lists(
    st.sampled_from((*CONTROL, "</s>", "<s>", "\n", "    ", " ", "\t", "é你🙂", "\ud83d"))
    | st.text(max_size=8),
    max_size=6,
).map("".join)


@pytest.mark.parametrize("name", FIM_FORMATS)
def test_order(name: str) -> None:
    segments = render_fim(CompletionRequest("before", "after"), FIM_FORMATS[name])
    text = "".join(segment.text for segment in segments)
    assert text.replace("{bos}", "<s>") == WRITTEN[name]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", FIM_FORMATS)
@settings(max_examples=25, deadline=None)
@given(prefix=_CODE, suffix=_CODE, middle=_CODE)
def test_what_is_served_is_learned_and_text_stays_text(
    family: str, name: str, prefix: str, suffix: str, middle: str
) -> None:
    made = families()[family]
    renderer = made.renderer(fim=name)
    request = CompletionRequest(prefix, suffix)
    prompt = renderer.complete(request)
    control = [number for number in prompt.ids if number in renderer.tokenizer.control_ids]
    plain = renderer.complete(CompletionRequest("x", "x")).ids
    assert control == [number for number in plain if number in renderer.tokenizer.control_ids]

    trained = renderer.complete_training(request, middle)
    assert trained.ids[: len(prompt.ids)] == prompt.ids
    assert set(trained.labels[: len(prompt.ids)]) <= {IGNORED}
    learned = trained.labels[len(prompt.ids) :]
    assert learned == trained.ids[len(prompt.ids) :]
    assert learned[-1] == made.id(END[name] or made.eos)
    assert learned[-1] in prompt.end_ids
    assert renderer.tokenizer.control_ids.isdisjoint(learned[:-1])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", FIM_FORMATS)
@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        ("def add(a, b):\n    return", "\n\nprint(add(1, 2))\n"),
        ("x =  ", "\n"),
        ("    ", "    pass"),
        ("名 = '你", "好'\n"),
        ("🙂\ud83d", "\ude42"),
    ],
)
def test_no_space_or_line_is_lost_or_added(
    family: str, name: str, prefix: str, suffix: str
) -> None:
    """Between its tokens the prompt decodes to the very code that stands around the cursor."""
    made = families()[family]
    tokenizer = made.text_tokenizer()
    ids = made.renderer(fim=name).complete(CompletionRequest(prefix, suffix)).ids
    pieces: list[list[int]] = [[]]
    for number in ids:
        if number in tokenizer.control_ids:
            pieces.append([])
        else:
            pieces[-1].append(number)
    # Decoding drops one space at the very beginning: give each piece something to stand behind.
    lead = tokenizer.encode_text("x")
    texts = {tokenizer.decode([*lead, *piece])[1:] for piece in pieces if piece}
    before = " " + prefix if name == "codellama" else prefix
    assert texts == {well_formed(before), well_formed(suffix)}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_space_behind_a_word_is_left_to_the_model(family: str) -> None:
    renderer = families()[family].renderer(fim="starter")
    before = renderer.complete(CompletionRequest("for", "\n"))
    typed = renderer.complete(CompletionRequest("for ", "\n"))
    assert typed.ids == before.ids
    assert typed.drop_space
    assert not before.drop_space
    trained = renderer.complete_training(CompletionRequest("for ", "\n"), "x in y:")
    assert trained == renderer.complete_training(CompletionRequest("for", "\n"), " x in y:")


@pytest.mark.parametrize("prefix", ["    ", "x\n ", " ", "x  ", "", "x"])
def test_indentation_stays_with_the_prompt(prefix: str) -> None:
    renderer = families()["byte-level"].renderer(fim="starter")
    assert not renderer.complete(CompletionRequest(prefix, "\n")).drop_space


def test_a_base_model_without_any_format_gets_the_plain_prefix() -> None:
    made = families()["sentencepiece-legacy"]
    prompt = made.renderer().complete(CompletionRequest("Hello there", "unused"))
    assert prompt.ids == made.with_bos("Hello there")
    assert prompt.end_ids == {made.id("</s>")}


def test_a_text_is_gone_on_from_whatever_formats_there_are() -> None:
    made = families()["byte-level"]
    asked = CompletionRequest("def f():\n", "unused")
    prompt = made.renderer(fim="starter").text(asked)
    assert prompt == made.renderer().complete(asked)
    assert prompt != made.renderer(fim="starter").complete(asked)


def test_training_needs_a_format() -> None:
    with pytest.raises(ValueError, match="no fill-in-the-middle format"):
        families()["byte-level"].renderer().complete_training(CompletionRequest("a"), "b")
