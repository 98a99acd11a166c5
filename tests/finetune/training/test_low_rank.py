"""An adapter that is computed with its base learns what PEFT's own layers would."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from assistant_finetune.training.base import linear_names, load_base
from assistant_finetune.training.low_rank import join_adapters
from assistant_finetune.training.settings import Method, Precision
from tests.engine import tiny

IDS = torch.arange(8, 72).reshape(2, 32)
TOLERANCE = {"bf16": 0.08, "fp32": 1e-5}
"""Each sum is rounded elsewhere, which 16 bits show."""
_get_peft_model: Any = get_peft_model


def adapted(folder: Path, method: Method, precision: Precision, **options: Any) -> Any:
    base = load_base(tiny.local_model(folder), method, precision, "cpu")
    torch.manual_seed(3)
    config = LoraConfig(
        r=4,
        lora_alpha=6,
        target_modules=list(linear_names(base.model)),
        init_lora_weights=False,
        **options,
    )
    return _get_peft_model(base.model, config)


def learned(model: Any, precision: Precision) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The logits, and the gradients of all that is trained."""
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        outputs = model(input_ids=IDS, labels=IDS)
    outputs.loss.backward()
    found = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
    assert len(found) == 28
    return outputs.logits.detach().float(), {n: one.clone() for n, one in found.items()}


def apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("kind", ["plain", "nf4", "gptq"])
def test_outputs_and_gradients_are_those_of_peft(
    kind: str, precision: Precision, llama: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue("llama_gptq") if kind == "gptq" else llama
    model = adapted(folder, "lora" if kind == "plain" else "qlora", precision)
    expected, wanted = learned(model, precision)
    with torch.no_grad(), model.disable_adapter():
        base = model(input_ids=IDS).logits.float()
    join_adapters(model)
    found, made = learned(model, precision)
    assert apart(found, expected) < TOLERANCE[precision]
    for name, gradient in made.items():
        assert gradient.dtype == wanted[name].dtype
        assert apart(gradient, wanted[name]) < TOLERANCE[precision], name
    with torch.no_grad(), model.disable_adapter():
        assert torch.equal(model(input_ids=IDS).logits.float(), base)


@pytest.mark.parametrize("options", [{"lora_dropout": 0.1}, {"use_dora": True}])
def test_special_adapters_stay_as_they_are(options: dict[str, Any], llama: Path) -> None:
    model = adapted(llama, "lora", "fp32", **options).eval()
    with torch.no_grad():
        expected = model(input_ids=IDS).logits
        join_adapters(model)
        assert torch.equal(model(input_ids=IDS).logits, expected)
    assert not any("forward" in vars(module) for module in model.base_model.model.model.modules())
