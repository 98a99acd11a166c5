"""A linear layer and the adapter beside it on a CPU, as one step of autograd.

PEFT's own layers compute the same (LoRA: Hu et al. 2021, arXiv 2106.09685). They take each input to
32 bits, and back to 16 for the product, a copy that each layer keeps for itself, and go over the
outputs three more times. Here an input is kept as it came, once for all layers that share it, and
the adapter's part is added in the product.
"""

import functools
from typing import Any

import torch

from assistant_finetune.training.weights import matrix_of

# Whose methods have no type annotations.
_Function: Any = torch.autograd.Function


def join_adapters(model: Any) -> None:
    """Let the layers of a PEFT model that hold one plain adapter compute it with their base.

    Those with dropout or DoRA stay as they are.
    """
    for layer in model.modules():
        if _is_plain(layer):
            layer.forward = functools.partial(_forward, layer)


def _is_plain(layer: Any) -> bool:
    if not hasattr(layer, "lora_A") or len(layer.lora_A) != 1 or len(layer.lora_variant) > 0:
        return False
    (dropout,), (up,) = layer.lora_dropout.values(), layer.lora_B.values()
    return isinstance(dropout, torch.nn.Identity) and up.bias is None


def _forward(layer: Any, inputs: torch.Tensor) -> torch.Tensor:
    if layer.disable_adapters:
        outputs: torch.Tensor = layer.base_layer(inputs)
        return outputs
    (name,) = layer.active_adapters
    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
    found: torch.Tensor = _Adapted.apply(inputs, down, up, layer.base_layer, layer.scaling[name])
    return found


class _Adapted(_Function):  # type: ignore[misc]
    """What a layer makes of its inputs, and `scale * up @ down` of them, computed in one type."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: torch.Tensor,
        down: torch.Tensor,
        up: torch.Tensor,
        layer: Any,
        scale: float,
    ) -> torch.Tensor:
        """`inputs` `[..., in_features]`, `down` `[rank, in_features]`, `up` `[out_features, rank]`.

        `layer` is frozen, and quantized or not.
        """
        autocast = torch.is_autocast_enabled("cpu")
        dtype = torch.get_autocast_dtype("cpu") if autocast else inputs.dtype
        inputs = inputs.to(dtype)
        rows = inputs.reshape(-1, inputs.shape[-1])
        with torch.autocast("cpu", enabled=False):
            bias = None if layer.bias is None else layer.bias.to(dtype)
            outputs = torch.nn.functional.linear(rows, matrix_of(layer, dtype), bias)
            reduced = rows @ down.to(dtype).t()
            outputs.addmm_(reduced, up.to(dtype).t(), alpha=scale)
        ctx.save_for_backward(inputs, reduced, down, up)
        ctx.layer, ctx.scale = layer, scale
        return outputs.view(*inputs.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The gradients of the inputs and of the adapter's two matrices."""
        inputs, reduced, down, up = ctx.saved_tensors
        rows = inputs.reshape(-1, inputs.shape[-1])
        outputs = gradient.reshape(-1, gradient.shape[-1]).to(rows.dtype)
        to_reduced = (outputs @ up.to(rows.dtype)).mul_(ctx.scale)
        to_down = (to_reduced.t() @ rows).to(down.dtype)
        to_up = (outputs.t() @ reduced).mul_(ctx.scale).to(up.dtype)
        to_inputs = None
        if ctx.needs_input_grad[0]:
            to_inputs = outputs @ matrix_of(ctx.layer, rows.dtype)
            to_inputs = to_inputs.addmm_(to_reduced, down.to(rows.dtype)).view_as(inputs)
        return to_inputs, to_down, to_up, None, None
