"""A sample is shown as the model sees it, and what is learned is told apart."""

import pytest

from assistant_finetune.data import Chat, Journal, Origin, Rendering, Sample, samples
from assistant_finetune.data.showing import as_fields, coloured, pieces, plain
from tests.prompts.families import FAMILIES, conversation, families


def shown(family: str, *texts: str, weights: tuple[float, ...] = ()) -> tuple[Sample, Rendering]:
    rendering = Rendering(families()[family].renderer(chat="chatml"), 500)
    (sample,) = samples([Chat(conversation(*texts), Origin("a"), weights)], rendering, Journal())
    return sample, rendering


@pytest.mark.parametrize("family", FAMILIES)
def test_marks_stand_around_what_is_learned(family: str) -> None:
    sample, rendering = shown(family, "hi 🙂", "你好 <|im_end|>", "x", "y")
    text = plain(sample, rendering.renderer.tokenizer).replace(" ", "")
    assert text == (
        "<|im_start|>user\nhi🙂<|im_end|>\n<|im_start|>assistant\n⟦你好<|im_end|><|im_end|>⟧\n"
        "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n⟦y<|im_end|>⟧\n"
    )


def test_colours() -> None:
    sample, rendering = shown("byte-level", "hi", "hello")
    tokenizer = rendering.renderer.tokenizer
    text = coloured(sample, tokenizer)
    assert text.plain == plain(sample, tokenizer).replace("⟦", "").replace("⟧", "")
    green = "".join(text.plain[s.start : s.end] for s in text.spans if "green" in str(s.style))
    assert green == "hello<|im_end|>"
    control = [piece.text for piece in pieces(sample, tokenizer) if piece.control]
    assert control == ["<|im_start|>", "<|im_end|>"] * 2


def test_data_gives_no_orders_to_a_terminal() -> None:
    sample, rendering = shown("byte-level", "hi", "a\x1b[2Jb\r\n")
    text = coloured(sample, rendering.renderer.tokenizer).plain
    assert "a␛[2Jb␍\n" in text
    assert "\x1b" not in text


def test_every_token_has_its_weight() -> None:
    sample, rendering = shown("byte-level", "a", "b", "c", "d", weights=(0.0, 0.0, 0.0, 0.5))
    fields = as_fields(sample, rendering.renderer.tokenizer)
    weights = {token["text"]: token["weight"] for token in fields["tokens"] if token["learned"]}
    assert weights == {"d": 0.5, "<|im_end|>": 0.5}
    assert fields["learned"] == 2
    control = [token["text"] for token in fields["tokens"] if token["control"]]
    assert control == ["<|im_start|>", "<|im_end|>"] * 4
    assert len(fields["tokens"]) == fields["length"] == len(sample.ids)
