"""Tokens in one call come out as PyTorch's operations make them; a few, alike in any company."""

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from assistant.engine.decoder import Decoder
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.native import layers
from assistant.engine.native.layers import MOST_ROWS
from assistant.engine.native.library import AVX2, compiled, find_library
from assistant.engine.parts import Interrupted, Part
from tests.engine import tiny

SHAPE: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 192,
    "intermediate_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 512,
    "initializer_range": 0.1,
    "tie_word_embeddings": True,
}
FAMILIES = {"Llama": {"mlp_bias": True}, "Qwen2": {}, "Qwen3": {}}
PROMPT = tuple(range(8, 108))
CLOSE = 0.12
"""Two ways of rounding to bfloat16, one before and one behind 8 bits, in random models: 0.03 to
0.05, and to 0.09 where one has had many rows, whose weights are bytes too, and the other few."""
_Auto: Any = AutoModelForCausalLM

pytestmark = pytest.mark.skipif(
    find_library() is None, reason="there is no native library for this processor"
)


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of some family, its biases and norms random, too."""
    torch.manual_seed(1)
    config = getattr(transformers, f"{request.param}Config")(**SHAPE, **FAMILIES[request.param])
    model: Any = _Auto.from_config(config)
    for name, parameter in model.named_parameters():
        if name.endswith(("bias", "norm.weight")):
            torch.nn.init.normal_(parameter, 1.0 if "norm" in name else 0.0, 0.2)
    path = tmp_path_factory.mktemp(request.param.lower())
    model.to(torch.bfloat16).save_pretrained(path)
    tiny.save_tokenizer(path)
    return path


@pytest.fixture(scope="module", params=["none", "int4", "none, AVX2 alone", "int4, AVX2 alone"])
def decoder(folder: Path, request: pytest.FixtureRequest) -> Decoder:
    quantization, _, alone = request.param.partition(", ")
    if alone and not hasattr(find_library(), "assistant_pass_many"):
        pytest.skip("this processor has AVX2 alone")
    with pytest.MonkeyPatch.context() as patch:
        if alone:
            library = ctypes.CDLL(str(compiled(AVX2)))
            patch.setattr(layers, "find_library", lambda: library)
        loaded = load_model(tiny.local_model(folder), LoadOptions("cpu", quantization))
        found = Decoder.of(loaded.model)
    assert found is not None and found.native is not None
    return found


def logits(decoder: Decoder, chunks: Sequence[Sequence[int]], *, native: bool) -> torch.Tensor:
    """Behind each token of the chunks, which follow the prompt; `[tokens, vocabulary]`."""
    there, cache = decoder.native, decoder.new_cache()
    decoder.native = None
    try:
        decoder.forward([Part(PROMPT, cache, 0)])
        decoder.native = there if native else None
        rows = [decoder.forward([Part(chunk, cache, len(chunk))])[0] for chunk in chunks]
    finally:
        decoder.native = there
    return torch.cat(rows).float()


def test_what_pytorch_makes_of_it(decoder: Decoder) -> None:
    chunks = [[7], [300, 301, 302], list(range(20, 20 + MOST_ROWS)), [9]]
    ours, torchs = (logits(decoder, chunks, native=native) for native in (True, False))
    assert float((ours - torchs).norm() / torchs.norm()) < CLOSE


def test_a_prompt_without_torchs_help(decoder: Decoder) -> None:
    prompt = PROMPT[: MOST_ROWS // 2]
    there, found = decoder.native, []
    for native in (there, None):
        decoder.native = native
        found.append(decoder.forward([Part(prompt, decoder.new_cache(), len(prompt))])[0].float())
    decoder.native = there
    assert float((found[0] - found[1]).norm() / found[1].norm()) < CLOSE


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 511), min_size=1, max_size=9), min_size=1, max_size=3),
    st.integers(1, 4),
)
def test_a_token_is_the_same_in_any_company(
    decoder: Decoder, texts: list[list[int]], steps: int
) -> None:
    def states(parts: list[Part]) -> list[torch.Tensor]:
        assert decoder.native is not None
        return list(torch.split(decoder.native_states(parts), [part.keep for part in parts]))

    alone = []
    for ids in texts:
        cache = decoder.new_cache()
        rows = [states([Part([token], cache, 1)])[0] for token in ids * steps]
        alone.append(torch.cat(rows))
    caches = [decoder.new_cache() for _ in texts]
    together: list[list[torch.Tensor]] = [[] for _ in texts]
    for _ in range(steps):
        parts = [Part(ids, cache, len(ids)) for ids, cache in zip(texts, caches, strict=True)]
        for rows, found in zip(together, states(parts), strict=True):
            rows.append(found)
    for ours, rows in zip(alone, together, strict=True):
        assert torch.equal(ours, torch.cat(rows))
    for ids, cache in zip(texts, caches, strict=True):
        assert cache.get_seq_length() == len(ids) * steps


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 150), min_size=1, max_size=4),
    st.lists(st.integers(1, 120), min_size=1, max_size=4),
    st.data(),
)
def test_long_texts_in_pieces_beside_each_other(
    decoder: Decoder, sizes: list[int], pieces: list[int], data: st.DataObject
) -> None:
    """Texts of all lengths, read in the same pieces by our code and by PyTorch's operations."""
    generator = torch.Generator().manual_seed(sum(sizes))
    texts = [torch.randint(0, 512, (size,), generator=generator).tolist() for size in sizes]
    keeps = [data.draw(st.integers(0, size)) for size in sizes]
    there, found = decoder.native, []
    for native in (there, None):
        decoder.native, caches = native, [decoder.new_cache() for _ in texts]
        rows = []
        for piece in pieces:
            chunks = [text * 2 if piece > 100 else text[:piece] for text in texts]
            parts = [
                Part(chunk, cache, min(keep, len(chunk)))
                for chunk, cache, keep in zip(chunks, caches, keeps, strict=True)
            ]
            rows.extend(decoder.forward(parts))
        # What follows sees the keys and values that were kept.
        rows.extend(decoder.forward([Part([5], cache, 1) for cache in caches]))
        found.append(torch.cat(rows).float())
    decoder.native = there
    assert float((found[0] - found[1]).norm() / found[1].norm()) < CLOSE


def test_a_long_pass_is_broken_off_between_layers(decoder: Decoder) -> None:
    cache: Any = decoder.new_cache()
    ids = list(range(5, 205))
    expected = decoder.forward([Part(ids, decoder.new_cache(), 1)])[0]
    for passed in range(SHAPE["num_hidden_layers"] - 1):
        answers = [False] * passed + [True]
        with pytest.raises(Interrupted):
            decoder.forward([Part(ids, cache, 1)], iter(answers).__next__)
        cache.hold(0)
    assert torch.equal(decoder.forward([Part(ids, cache, 1)], lambda: False)[0], expected)
