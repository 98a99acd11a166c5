"""A base to train on: loaded so that gradients are right, with its linear layers by name."""

from dataclasses import dataclass
from typing import Any

import torch

from assistant.config import Quantization
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.memory import let_go_of_files, release_unused
from assistant.errors import AssistantError, UsageError
from assistant.prompts import Renderer
from assistant.registry import LocalModel
from assistant_finetune.training.attention import attend_by_sample
from assistant_finetune.training.settings import Method, Precision
from assistant_finetune.training.weights import unpack

_DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
_GPTQ_KERNEL = "TorchLinear"
_TOLERANCE = 0.05
"""How far a gradient may be from the exact one, of its own length: kernels round to 16 bits."""


@dataclass(frozen=True, slots=True)
class Base:
    """A model that can be trained, or that an adapter can be trained on."""

    model: Any
    """The transformers model."""
    renderer: Renderer
    name: str
    quantization: str
    """`nf4`, `gptq` or `none`."""


def load_base(
    local: LocalModel,
    method: Method,
    precision: Precision,
    device: str,
    *,
    unpacked: bool = False,
) -> Base:
    """Load a model for training.

    `full` takes weights in float32, from which `precision` is computed; `qlora` makes NF4 of
    16-bit weights and takes weights that are quantized already as they are. With `unpacked` these
    are held as what they stand for, in `precision`.
    Raises UsageError where the method is not for this model, and what loading raises.
    """
    if local.adapter is not None:
        raise UsageError(f"{local.name} is an adapter itself: name its base model instead")
    dtype = torch.float32 if method == "full" else _DTYPES[precision]
    quantization: Quantization = "nf4" if method == "qlora" else "none"
    options = LoadOptions(device, quantization, for_inference=False, dtype=dtype)
    loaded = load_model(local, options)
    found = loaded.description.quantization
    if method != "qlora" and found != "none":
        raise UsageError(
            f"the weights of {local.name} are quantized ({found}): train an adapter on them with "
            f"--method qlora, or name a folder with 16-bit weights"
        )
    loaded.model.train()
    if loaded.model.device.type == "cpu":
        _leave_uncompiled(loaded.model)
        if unpacked:
            unpack(loaded.model, dtype)
        if found == "nf4":
            let_go_of_files(loaded.model)
        release_unused()
    attend_by_sample(loaded.model)
    check_gradients(loaded.model)
    return Base(loaded.model, loaded.renderer, local.name, found)


def _leave_uncompiled(model: Any) -> None:
    """Let GPTQ layers unpack their weights as they are: each would be compiled by itself first.

    That takes about a second for each of them on a CPU, and saves less there.
    """
    for module in model.modules():
        if hasattr(module, "qweight"):
            module.__dict__.pop("dequantize_weight", None)


def linear_names(model: Any, wanted: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names of the linear layers inside a model's layers, such as q_proj; the head is none.

    With `wanted` those alone. Raises UsageError for one that the model has not.
    """
    head = model.get_output_embeddings()
    found = sorted(
        {
            name.rpartition(".")[2]
            for name, module in model.named_modules()
            if module is not head and is_linear(module)
        }
    )
    if unknown := [name for name in wanted if name not in found]:
        raise UsageError(
            f"this model has no layers {', '.join(unknown)}: it has {', '.join(found)}"
        )
    return wanted or tuple(found)


def is_linear(module: Any) -> bool:
    """Whether a module multiplies by one matrix, in whatever form it holds that."""
    return isinstance(getattr(module, "in_features", None), int) and isinstance(
        getattr(module, "out_features", None), int
    )


def check_gradients(model: Any) -> None:
    """Compare the gradient that passes through each kind of layer with the exact one.

    Some kernels for quantized weights give outputs without a gradient for their inputs, or with a
    wrong one, and the loss still falls: only layers behind the last of them learn. Some do so only
    once they have computed something without a gradient: of those for GPTQ one alone is let in.
    Raises AssistantError that names the kind.
    """
    seen = set[type]()
    for module in model.modules():
        if is_linear(module) and type(module) not in seen:
            seen.add(type(module))
            other = hasattr(module, "qweight") and type(module).__name__ != _GPTQ_KERNEL
            if other or not _passes_gradient(module):
                raise AssistantError(
                    f"layers of the kind {type(module).__name__} lose the gradient of their "
                    "inputs: nothing in front of them would be learned, so they are refused"
                )


def _passes_gradient(layer: Any) -> bool:
    """Whether the gradient of a random sum of outputs is the matrix times the sum's weights."""
    held = next(iter([*layer.parameters(recurse=False), *layer.buffers(recurse=False)]))
    floating = next((t.dtype for t in layer.parameters() if t.is_floating_point()), torch.bfloat16)
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator).to(held.device, floating)

    inputs, others = random(1, 8, layer.in_features), random(1, 8, layer.in_features)
    factors = random(1, 8, layer.out_features)
    inputs.requires_grad_()
    with torch.enable_grad():
        outputs = layer(inputs)
        if not outputs.requires_grad:
            return False
        (gradient,) = torch.autograd.grad((outputs.float() * factors.float()).sum(), inputs)
        # Linear: what a step in another direction changes is its product with the gradient.
        with torch.no_grad():
            change = (layer(others) - layer(torch.zeros_like(others))).float() * factors.float()
    expected = change.sum(dim=(0, 2))
    found = (gradient.float() * others.float()).sum(dim=(0, 2))
    return bool((found - expected).norm() <= _TOLERANCE * expected.norm())
