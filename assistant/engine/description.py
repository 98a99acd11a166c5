"""What was loaded, said in one line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from assistant.engine.linear.int8 import Int8Linear
from assistant.engine.linear.names import kernel_names
from assistant.engine.linear.packed import PackedLinear
from assistant.engine.linear.quantized import QuantizedLinear


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A loaded model as it really is, which is not always as it was asked for."""

    name: str
    architecture: str
    parameters: int
    """The base model's weights, counted as before any quantization."""
    dtype: str
    """Of what is not quantized, and of the computation."""
    quantization: str
    """`none`, `gptq`, `nf4` or another method's name."""
    kernel: str | None
    """What multiplies quantized weights, where there are any."""
    device: str
    adapter: str | None
    memory_bytes: int
    """Weights, quantization data and adapter; not the keys and values of what is read."""

    def line(self) -> str:
        """One line for people."""
        size = f"{self.parameters / 1e9:.1f}B" if self.parameters >= 1e9 else None
        size = size or f"{self.parameters / 1e6:.1f}M"
        kernel = f" ({self.kernel})" if self.kernel else ""
        precision = self.dtype if self.quantization == "none" else f"{self.quantization}{kernel}"
        adapter = f", adapter {self.adapter}" if self.adapter else ""
        memory = f"{self.memory_bytes / 1e9:.2f} GB"
        return (
            f"{self.name}: {self.architecture}, {size} parameters, {precision} on {self.device},"
            f" {memory}{adapter}"
        )


def describe(
    name: str, model: Any, *, quantization: str, adapter: str | None, adapter_bytes: int = 0
) -> ModelDescription:
    """The description of a loaded transformers model.

    `adapter_bytes` are those of an adapter that is not inside the model.
    """
    kernels = {_kernel(layer) for layer in _quantized_layers(model)} - {None}
    return ModelDescription(
        name=name,
        architecture=type(model).__name__,
        parameters=_count_parameters(model),
        dtype=str(model.dtype).removeprefix("torch."),
        quantization=quantization,
        kernel="; ".join([*kernel_names(model), *sorted(filter(None, kernels))]) or None,
        device=str(model.device),
        adapter=adapter,
        memory_bytes=adapter_bytes + _memory(model),
    )


def _kernel(layer: nn.Module) -> str | None:
    """The class of a layer that somebody else's kernel multiplies."""
    ours = isinstance(layer, QuantizedLinear | PackedLinear | Int8Linear)
    return None if ours else type(layer).__name__


def _quantized_layers(model: nn.Module) -> Iterator[Any]:
    """Layers whose weights are no parameters of their size.

    GPTQ's have `qweight`, bitsandbytes' a `quant_state`, and ours are of two classes.
    """
    for layer in model.modules():
        if hasattr(layer, "base_layer"):
            continue  # LoRA's wrapper shows the weights of the layer that it wraps as its own
        ours = isinstance(layer, QuantizedLinear | PackedLinear | Int8Linear)
        theirs = hasattr(layer, "qweight") or hasattr(getattr(layer, "weight", None), "quant_state")
        if ours or theirs:
            yield layer


def _count_parameters(model: nn.Module) -> int:
    quantized = list(_quantized_layers(model))
    own = {id(tensor) for layer in quantized for tensor in layer.parameters(recurse=False)}
    count: int = sum(
        layer.in_features * layer.out_features for layer in quantized if not _is_tied(layer)
    )
    for name, parameter in model.named_parameters():
        if id(parameter) not in own and ".lora_" not in name:
            count += parameter.numel()
    return count


def _is_tied(layer: Any) -> bool:
    """Whether its weights are counted with the embedding's."""
    if isinstance(layer, Int8Linear):
        return layer.tied
    return isinstance(layer, PackedLinear) and layer.source == "tied"


def _memory(model: nn.Module) -> int:
    tensors = [*model.parameters(), *model.buffers()]
    inside = sum(
        layer.dense_held
        for layer in model.modules()
        if isinstance(layer, QuantizedLinear | PackedLinear)
    )
    return inside + sum(tensor.nbytes for tensor in tensors)
