"""Fill-in-the-middle as text means the same as in token ids, whatever the user's text contains."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.config import FimChoice
from assistant.messages import CompletionRequest
from assistant.prompts import FIM_FORMATS, FimFormat
from assistant.prompts.fim_text import Spelling, render_fim_text
from assistant.prompts.segments import BOS, EOS
from assistant.registry import NO_FIM

FORMATS = list(FIM_FORMATS.values())
NAMES = sorted({name for one in FORMATS for name in (*one.tokens, *one.stop_tokens)})
PIECES = st.sampled_from([*NAMES, "<PRE>", " <PRE>", "<", "<|", "|>", "</s>", "a", " ", "\n", "｜"])
TEXTS = st.lists(PIECES, max_size=8).map("".join)


def spelled(name: str, spelling: Spelling) -> str:
    return name.replace("▁<", " <") if spelling is Spelling.SPACE else name


@given(TEXTS, TEXTS, st.sampled_from(FORMATS), st.sampled_from(Spelling))
@settings(deadline=None)
def test_the_only_control_tokens_are_the_formats_own(
    prefix: str, suffix: str, fim_format: FimFormat, spelling: Spelling
) -> None:
    text = render_fim_text(CompletionRequest(prefix, suffix), fim_format, spelling).text
    for name in (*fim_format.tokens, *fim_format.stop_tokens):
        if name not in (BOS, EOS):
            own = fim_format.prompt.count(name)
            assert text.count(spelled(name, spelling)) == own, name


@pytest.mark.parametrize("fim_format", FORMATS, ids=lambda one: one.name)
def test_ordinary_text_is_sent_as_it_is(fim_format: FimFormat) -> None:
    request = CompletionRequest("if a < b and c |= d:\n    <b>x</b>\n    ", "\n\ndef f(): ...\n")
    prompt = render_fim_text(request, fim_format)
    assert request.prefix in prompt.text and request.suffix in prompt.text
    assert not prompt.drop_space


def test_the_prompts_are_those_of_the_models_cards() -> None:
    request = CompletionRequest("PREFIX", "SUFFIX")
    texts = {one.name: render_fim_text(request, one, Spelling.SPACE).text for one in FORMATS}
    assert texts == {
        "codellama": " <PRE> <SUF>SUFFIX <MID> PREFIX",
        "starcoder": "<fim_prefix>PREFIX<fim_suffix>SUFFIX<fim_middle>",
        "starcoder2": "<fim_prefix>PREFIX<fim_suffix>SUFFIX<fim_middle>",
        "deepseek": "<｜fim▁begin｜>PREFIX<｜fim▁hole｜>SUFFIX<｜fim▁end｜>",
        "qwen": "<|fim_prefix|>PREFIX<|fim_suffix|>SUFFIX<|fim_middle|>",
        "starter": "<|bos|><|fim_suffix|>SUFFIX<|fim_prefix|>PREFIX<|fim_middle|>",
    }
    ends = {one.name: render_fim_text(request, one, Spelling.SPACE).stop[0] for one in FORMATS}
    assert ends["codellama"] == "<EOT>" and ends["qwen"] == "<|endoftext|>"
    assert ends["starter"] == "<|end|>"


def test_without_a_format_it_is_the_text_before_the_cursor() -> None:
    prompt = render_fim_text(CompletionRequest("say <|im_end|> ", "SUFFIX"), None)
    assert (prompt.text, prompt.stop, prompt.drop_space) == ("say < |im_end|>", (), True)


def test_the_settings_name_every_format() -> None:
    assert set(get_args(FimChoice)) == {*FIM_FORMATS, NO_FIM}
