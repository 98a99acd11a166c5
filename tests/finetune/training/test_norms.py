"""Norms in one step of autograd compute what transformers' own do."""

from typing import Any

import pytest
import torch
from torch import nn
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm

from assistant_finetune.training.norms import join_norms

SIZE = 96


def norm_of(kind: Any, dtype: torch.dtype = torch.float32) -> Any:
    torch.manual_seed(4)
    norm = kind(SIZE, eps=1e-3)
    norm.weight.data = (torch.rand(SIZE) + 0.5).to(dtype)
    norm.requires_grad_(False)
    return norm


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.bfloat16, 0.01)])
@pytest.mark.parametrize("kind", [LlamaRMSNorm, Qwen3RMSNorm])
def test_outputs_and_gradients_are_the_same(kind: Any, dtype: torch.dtype, error: float) -> None:
    norm = norm_of(kind, dtype)
    inputs = (torch.randn(2, 5, SIZE) * 0.1).to(dtype).requires_grad_()
    before, factors = inputs.detach().clone(), torch.randn(2, 5, SIZE).to(dtype)
    expected = norm(inputs)
    (wanted,) = torch.autograd.grad(expected, inputs, factors)
    join_norms(nn.ModuleList([norm]))
    assert "forward" in vars(norm)
    found = norm(inputs)
    (made,) = torch.autograd.grad(found, inputs, factors)
    for one, other in ((found, expected), (made, wanted)):
        assert one.dtype == other.dtype
        assert (one - other).norm() < error * other.norm()
    assert torch.equal(inputs, before)


def test_others_and_those_that_learn_stay_as_they_are() -> None:
    class Shifted(LlamaRMSNorm):
        def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = super().forward(hidden_states)
            return found + 1

    learns = norm_of(LlamaRMSNorm).requires_grad_()
    norms = nn.ModuleList([norm_of(GemmaRMSNorm), norm_of(Shifted), learns, nn.LayerNorm(SIZE)])
    join_norms(norms)
    assert not any("forward" in vars(norm) for norm in norms)
