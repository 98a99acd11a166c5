"""Every contender computes with the same weights."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from assistant.registry import STARTER, locate
from bench.peers.texts import Texts
from bench.random_models import GROUP, pack_gptq, save_gptq

_Models: Any = AutoModelForCausalLM
TOKENS = 24


def test_llama_cpp_reads_the_model_that_transformers_reads(tmp_path: Path) -> None:
    gguf: Any = pytest.importorskip("gguf")
    pytest.importorskip("llama_cpp")
    gguf_file: Any = importlib.import_module("bench.peers.gguf_file")
    llamacpp: Any = importlib.import_module("bench.peers.llamacpp")
    starter = locate(STARTER).folder
    ids = Texts().take(200)
    file = gguf_file.write_gguf(starter, tmp_path / "f32.gguf", gguf.GGMLQuantizationType.F32)
    theirs = llamacpp.LlamaCpp(str(file), context=512).tokens(ids, TOKENS)
    model: Any = _Models.from_pretrained(starter, dtype=torch.float32)
    answer = model.generate(
        torch.tensor([ids]),
        max_new_tokens=TOKENS,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    assert theirs == answer[0, len(ids) :].tolist()


def test_llama_cpp_reads_only_what_is_new(small: Path, tmp_path: Path) -> None:
    gguf: Any = pytest.importorskip("gguf")
    pytest.importorskip("llama_cpp")
    gguf_file: Any = importlib.import_module("bench.peers.gguf_file")
    llamacpp: Any = importlib.import_module("bench.peers.llamacpp")
    task: Any = importlib.import_module("bench.peers.task")
    file = gguf_file.write_gguf(small, tmp_path / "q4_0.gguf", gguf.GGMLQuantizationType.Q4_0)
    peer = llamacpp.LlamaCpp(str(file), context=512)
    ids = Texts().take(60)
    cold = peer.tokens(ids, TOKENS)
    peer.answer(task.Task(ids[:40], cold[:4]))
    unread = peer.unread(task.Task(ids, (), fresh=False))
    assert list(unread) == ids[40:]
    assert peer.tokens(ids, TOKENS) == cold


def test_gptq_holds_the_nearest_of_sixteen_steps() -> None:
    weight = torch.randn(64, 2 * GROUP, generator=torch.Generator().manual_seed(1)).bfloat16()
    packed = pack_gptq(weight)
    shifts = torch.arange(0, 32, 4)
    levels = (packed["qweight"][:, None, :] >> shifts[None, :, None] & 15).reshape(2 * GROUP, 64)
    zeros = (packed["qzeros"][..., None] >> shifts & 15).reshape(2, 64) + 1
    scales = packed["scales"].float()[packed["g_idx"]]
    read = ((levels - zeros[packed["g_idx"]]) * scales).T
    assert ((read - weight.float()).abs() <= 0.502 * scales.T).all()


def test_transformers_reads_the_gptq_model(small: Path, tmp_path: Path) -> None:
    folder = save_gptq(small, tmp_path / "gptq")
    plain: Any = _Models.from_pretrained(small, dtype=torch.float32)
    quantized: Any = _Models.from_pretrained(folder, dtype=torch.bfloat16)
    ids = torch.tensor([Texts().take(32)])
    with torch.inference_mode():
        exact, rounded = plain(ids).logits, quantized(ids).logits.float()
    alike = torch.nn.functional.cosine_similarity(exact, rounded, dim=-1)
    assert alike.min() > 0.95
    held = load_file(folder / "model.safetensors")
    assert held["model.layers.0.mlp.down_proj.qweight"].shape == (512 // 8, 256)


def test_made_models_are_not_made_again(small: Path, tmp_path: Path) -> None:
    folder = save_gptq(small, tmp_path / "gptq")
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert save_gptq(small, folder) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_texts_are_never_given_twice() -> None:
    texts = Texts()
    first, second = texts.take(100), texts.take(100)
    assert first != second
    with pytest.raises(ValueError, match="not enough text"):
        texts.take(len(inspect.getsource(inspect)) * 10)
