"""What is learned on quantized weights is what would be learned on the same weights unpacked."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from assistant.engine import load
from assistant.errors import AssistantError, UsageError
from assistant_finetune.training.base import Base, linear_names, load_base
from assistant_finetune.training.settings import Precision
from assistant_finetune.training.weights import is_packed, matrix_of
from tests.engine import tiny

ALL = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")
IDS = torch.arange(8, 72).reshape(2, 32)
TOLERANCE = {"bf16": 0.03, "fp32": 1e-4}
_get_peft_model: Any = get_peft_model


def adapted(base: Base) -> Any:
    torch.manual_seed(3)
    config = LoraConfig(r=4, target_modules=list(linear_names(base.model)), init_lora_weights=False)
    return _get_peft_model(base.model, config)


def gradients(model: Any) -> dict[str, torch.Tensor]:
    model.zero_grad()
    model(input_ids=IDS, labels=IDS).loss.backward()
    found = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
    assert all(gradient is not None for gradient in found.values())
    return {name: gradient.float().clone() for name, gradient in found.items()}


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("kind", ["nf4", "gptq"])
def test_every_gradient_is_that_of_the_unpacked_base(
    kind: str, precision: Precision, llama: Path, request: pytest.FixtureRequest
) -> None:
    folder = llama if kind == "nf4" else request.getfixturevalue("llama_gptq")
    base = load_base(tiny.local_model(folder), "qlora", precision, "cpu")
    assert base.quantization == kind
    model = adapted(base)
    found = gradients(model)
    # The adapters stay: only what is below each of them is replaced.
    count = 0
    for module in list(model.modules()):
        layer = getattr(module, "base_layer", None)
        if layer is not None:
            plain = nn.Linear(layer.in_features, layer.out_features, bias=False)
            weight = matrix_of(layer).to(base.model.dtype)
            plain.weight = nn.Parameter(weight, requires_grad=False)
            module.base_layer = plain
            count += 1
    assert count == 14
    expected = gradients(model)
    assert len(found) == 28
    for name, gradient in found.items():
        error = (gradient - expected[name]).norm() / expected[name].norm()
        assert error < TOLERANCE[precision], name


@pytest.mark.parametrize("kind", ["nf4", "gptq"])
def test_a_base_that_is_unpacked_computes_the_same(
    kind: str, llama: Path, request: pytest.FixtureRequest
) -> None:
    folder = llama if kind == "nf4" else request.getfixturevalue("llama_gptq")
    logits = []
    for unpacked in (False, True):
        base = load_base(tiny.local_model(folder), "qlora", "fp32", "cpu", unpacked=unpacked)
        assert base.quantization == kind
        packed = [layer for layer in base.model.modules() if is_packed(layer)]
        assert len(packed) == (0 if unpacked else 14)
        with torch.no_grad():
            logits.append(base.model(input_ids=IDS).logits)
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("backend", ["auto", "auto_trainable", "gptq_torch_fused"])
def test_kernels_that_lose_the_gradient_are_refused(
    backend: str, llama_gptq: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "GPTQ_TRAINING_BACKEND", backend)
    with pytest.raises(AssistantError, match="lose the gradient"):
        load_base(tiny.local_model(llama_gptq), "qlora", "bf16", "cpu")


def test_the_targets_are_all_linear_layers_but_the_head(llama: Path, llama_gptq: Path) -> None:
    for folder in (llama, llama_gptq):
        base = load_base(tiny.local_model(folder), "qlora", "bf16", "cpu")
        assert linear_names(base.model) == ALL
    assert linear_names(base.model, ("q_proj",)) == ("q_proj",)
    with pytest.raises(UsageError, match=r"no layers qproj: it has down_proj, gate_proj"):
        linear_names(base.model, ("qproj",))


def test_a_method_that_is_not_for_the_base_is_refused(llama_gptq: Path) -> None:
    for method in ("lora", "full"):
        with pytest.raises(UsageError, match="quantized"):
            load_base(tiny.local_model(llama_gptq), method, "bf16", "cpu")


def test_an_adapter_is_no_base(llama: Path, tmp_path: Path) -> None:
    adapter = tiny.save_adapter(llama, tmp_path / "adapter")
    with pytest.raises(UsageError, match="is an adapter itself"):
        load_base(tiny.local_model(llama, adapter=adapter), "lora", "bf16", "cpu")
