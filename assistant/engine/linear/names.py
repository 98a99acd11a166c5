"""Which kernels a model's linear layers use, in words."""

from collections.abc import Iterator

from torch import nn

from assistant.engine.linear.packed import PackedLinear
from assistant.engine.linear.quantized import QuantizedLinear


def kernel_names(model: nn.Module) -> Iterator[str]:
    """Such as `int4 kernel up to 4 rows, bfloat16 above (kept)`, for layers of this package.

    Where a kernel serves for any number of rows there is nothing above.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, QuantizedLinear)]
    for kernel in dict.fromkeys(layer.kernel for layer in layers):
        alike = [layer for layer in layers if layer.kernel == kernel]
        bounded = [layer for layer in alike if layer.needs_dense and _has_choice(layer)]
        rows = sorted({layer.kernel_rows for layer in bounded})
        if not rows:
            yield kernel
            continue
        span = str(rows[0]) if len(rows) == 1 else f"{rows[0]}-{rows[-1]}"
        kept = sum(layer.keeps_dense for layer in alike)
        how = "kept" if kept == len(alike) else "partly kept" if kept else "unpacked"
        yield f"{kernel} up to {span} rows, bfloat16 above ({how})"
    if any(isinstance(layer, PackedLinear) and layer.source == "nf4" for layer in model.modules()):
        yield "kept in bfloat16"


def _has_choice(layer: QuantizedLinear) -> bool:
    return layer.can_unpack or layer.keeps_dense
