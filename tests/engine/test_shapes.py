"""oneDNN makes code for each shape and keeps it: there may be few, whatever comes."""

import ctypes
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from assistant.engine.engine import Engine
from assistant.engine.linear.packed import PackedLinear, can_pack
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.requests import Job
from assistant.engine.shapes import fill
from assistant.messages import SamplingParams
from assistant.prompts import Prompt
from tests.engine import tiny

STEP, BLOCK = 32, 128
"""Rows of a product are filled up to a multiple of the first, positions to one of the second."""
COUNTS = (1, 2, 4, 8, 16, *range(STEP, BLOCK + 1, STEP))
GROWTH = 2_000_000
"""Bytes. Code for the lengths below and what belongs to it would be thirty times as much."""


class Heap(ctypes.Structure):
    """`struct mallinfo2` (mallinfo(3))."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def bytes_in_use() -> int:
    """What all threads together have from the C library and have not given back."""
    look = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if look is None:
        pytest.skip("this C library does not say what is in use")
    look.restype = Heap
    return int(look().uordblks)


@pytest.mark.parametrize("adapter_dtype", [None, torch.float32, torch.bfloat16])
def test_texts_of_new_lengths_take_no_memory_that_stays(
    llama_bf16: Path, adapter: Path, tmp_path: Path, adapter_dtype: torch.dtype | None
) -> None:
    engine = Engine(load_model(tiny.local_model(llama_bf16), LoadOptions("cpu")), cache_bytes=0)
    name = None
    if adapter_dtype is not None:
        name = "mine"
        engine.add_adapter(name, saved_as(adapter_dtype, adapter, tmp_path))

    def answer(length: int) -> None:
        prompt = Prompt(tuple(range(8, 8 + length)), frozenset())
        for _ in engine.generate(prompt, SamplingParams(max_tokens=2), Job(name)):
            pass

    for count in COUNTS:
        answer(count)
        answer(BLOCK + count)
    before = bytes_in_use()
    for length in range(3, 2 * BLOCK, 5):
        answer(length)
    assert bytes_in_use() - before < GROWTH
    engine.close()


def saved_as(dtype: torch.dtype, adapter: Path, folder: Path) -> Path:
    tensors = load_file(adapter / "adapter_model.safetensors")
    as_dtype = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    save_file(as_dtype, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_config.json").write_text((adapter / "adapter_config.json").read_text())
    return folder


@given(st.integers(0, 600))
def test_rows_are_filled_with_zeros_at_most_twofold(count: int) -> None:
    filled = fill(torch.ones(2, count, 3, dtype=torch.bfloat16))
    assert filled.shape[1] <= max(count, min(2 * count, count + STEP - 1))
    assert filled[:, :count].eq(1).all()
    assert filled[:, count:].eq(0).all()


def test_there_are_few_counts_of_rows() -> None:
    counts = {fill(torch.ones(count, 1, dtype=torch.bfloat16)).shape[0] for count in range(1, 513)}
    assert len(counts) == 6 + 512 // STEP - 1


@pytest.mark.skipif(not can_pack(), reason="this PyTorch has no oneDNN for bfloat16 here")
@pytest.mark.parametrize("shape", [(0, 64), (1, 64), (3, 64), (1, 33, 64), (2, 5, 64)])
def test_a_product_of_filled_rows_is_that_of_the_rows(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    weight, rows = torch.randn(48, 64).bfloat16(), torch.randn(shape).bfloat16()
    found = PackedLinear(weight)(rows)
    assert found.shape == (*shape[:-1], 48)
    torch.testing.assert_close(found, rows @ weight.t())
