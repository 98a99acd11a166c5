"""Dense bfloat16 weights as this processor computes with them fastest.

That is in the order that oneDNN reads fastest where there are instructions for bfloat16. Elsewhere
PyTorch multiplies number by number: a few rows are multiplied by our own code, if it could be
compiled, and many in float32, which holds products of bfloat16 exactly, and rounded at the end as
ever.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import torch
from torch import nn

from assistant.engine.native.plain import can_multiply, multiply
from assistant.engine.shapes import fill

_mkldnn: Any = torch.backends.mkldnn

_FEW = 32
"""Rows up to which our own code is fastest where it is used."""
_WIDENED_FROM = 16
"""Rows from which on it pays to widen weights: where there is no code of ours, two cores with AVX2
take as long either way for 8, and a quarter of the time for 128."""
_WIDENED_BYTES = 1 << 22
"""Of weights in float32 at a time, which stay in the cache until they have been multiplied."""

Source = Literal["plain", "tied", "nf4"]
"""What weights were before they were packed; `tied` ones stand in the embedding, too."""


@cache
def can_pack() -> bool:
    """Whether this machine has oneDNN and bfloat16 instructions for it."""
    return bool(_mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def multiply_plain(
    rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """`rows` `[..., K]` times an ordinary matrix `[N, K]`: `[..., N]`, all in bfloat16."""
    flat = rows.reshape(-1, rows.shape[-1])
    if len(flat) <= _FEW and bias is None and can_multiply(weight):
        return multiply(flat, weight).reshape(*rows.shape[:-1], len(weight))
    if can_pack() or len(flat) < _WIDENED_FROM:
        return nn.functional.linear(rows, weight, bias)
    wide, product = flat.float(), flat.new_empty(len(flat), len(weight))
    step = max(1, _WIDENED_BYTES // (4 * weight.shape[1]))
    for start in range(0, len(weight), step):
        outputs = slice(start, start + step)
        added = None if bias is None else bias[outputs].float()
        product[:, outputs] = nn.functional.linear(wide, weight[outputs].float(), added)
    return product.reshape(*rows.shape[:-1], len(weight))


class DenseWeight:
    """A bfloat16 matrix, `[N, K]`, to multiply rows with.

    In oneDNN's own order where there is one: on a Zen 5 with two cores a layer of 2048 to 5632
    takes 316 microseconds for one row in place of 1,067, and the same sums, bit by bit.
    """

    def __init__(self, weight: torch.Tensor) -> None:
        """`weight` is copied: it may be freed or written over afterwards."""
        self.nbytes = weight.nbytes
        self._packed = can_pack()
        self._weight: Any = (
            torch.ops.mkldnn._reorder_linear_weight(weight.detach(), None)
            if self._packed
            else weight.detach().clone(memory_format=torch.contiguous_format)
        )

    def multiply(self, rows: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        """`rows` `[..., K]` times the matrix: `[..., N]`, bfloat16 both."""
        if not self._packed:
            return multiply_plain(rows, self._weight, bias)
        flat = rows.reshape(-1, rows.shape[-1])
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            fill(flat), self._weight, bias, "none", [], ""
        )
        return product[: len(flat)].reshape(*rows.shape[:-1], product.shape[-1])

    def plain(self) -> torch.Tensor:
        """The matrix as an ordinary tensor."""
        plain: torch.Tensor = self._weight.to_dense() if self._packed else self._weight
        return plain


class _Columns:
    """Some of the outputs of a matrix that somebody else holds."""

    nbytes = 0

    def __init__(self, whole: DenseWeight, outputs: int, columns: slice) -> None:
        self._whole, self._outputs, self._columns = whole, outputs, columns

    def multiply(self, rows: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        whole = None
        if bias is not None:
            whole = bias.new_zeros(self._outputs)
            whole[self._columns] = bias
        return self._whole.multiply(rows, whole)[..., self._columns]

    def plain(self) -> torch.Tensor:
        return self._whole.plain()[self._columns]


class PackedLinear(nn.Module):
    """What `nn.Linear` in bfloat16 does, as `DenseWeight` multiplies."""

    bias: torch.Tensor | None

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None = None, *, source: Source = "plain"
    ) -> None:
        """`weight` is `[out_features, in_features]` in bfloat16; it may be freed afterwards."""
        super().__init__()
        self.source: Source = source
        self.out_features, self.in_features = weight.shape
        self.register_buffer("bias", None if bias is None else bias.detach())
        self._dense: DenseWeight | _Columns = DenseWeight(weight)

    @classmethod
    def concatenate(cls, layers: Sequence["PackedLinear"]) -> "PackedLinear":
        """One layer with the outputs of several side by side, which read the same input.

        It holds the weights. The parts compute with them as they can, which is slower.
        """
        bias = None
        if any(layer.bias is not None for layer in layers):
            bias = torch.cat([layer._bias_or_zeros() for layer in layers])
        weights = [layer._dense.plain() for layer in layers]
        joined = cls(torch.cat(weights), bias)
        assert isinstance(joined._dense, DenseWeight)
        start = 0
        for layer in layers:
            columns = slice(start, start + layer.out_features)
            layer._dense = _Columns(joined._dense, joined.out_features, columns)
            start += layer.out_features
        return joined

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` is `[..., in_features]` in any dtype, which the answer has, too."""
        return self._dense.multiply(x.to(torch.bfloat16), self.bias).to(x.dtype)

    @property
    def dense_held(self) -> int:
        """Memory of the weights but the bias, which are in no buffer."""
        return self._dense.nbytes

    @property
    def nbytes(self) -> int:
        """Memory of the weights."""
        return self.dense_held + (0 if self.bias is None else self.bias.nbytes)

    @property
    def dequantized_weight(self) -> torch.Tensor:
        """The weights as an ordinary tensor, `[out_features, in_features]`."""
        return self._dense.plain()

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        return f"{self.in_features}, {self.out_features}"

    def _bias_or_zeros(self) -> torch.Tensor:
        if self.bias is not None:
            return self.bias
        return torch.zeros(self.out_features, dtype=torch.bfloat16)
