"""A linear layer with 4-bit weights: few rows by PyTorch's int4 kernel, many in bfloat16."""

import threading
from collections.abc import Sequence
from typing import Self

import torch
from torch import nn

from assistant.engine.linear.layout import BLOCK, KERNEL_GROUPS, find_layout, pack, pad_outputs
from assistant.engine.linear.packed import DenseWeight

KERNEL_ROWS = 16
"""Rows that the int4 kernel gets as long as nobody has measured: see `crossover`."""


def can_multiply(in_features: int, group_size: int) -> bool:
    """Whether the kernel has groups of this size on this machine."""
    groups = group_size in KERNEL_GROUPS and in_features % group_size == 0
    return groups and find_layout() is not None


class Int4Linear(nn.Module):
    """`y = x W + bias` with W in 4 bits, in groups of inputs that share a scale and a zero.

    A weight is `(code - 8) * scale + zero`. Activations stay bfloat16, and sums are float32. Up to
    `kernel_rows` rows go through the int4 kernel, whose cost grows with every four rows; for more,
    the weights become bfloat16: kept so by `keep_dense`, or else made anew in each call.
    """

    packed: torch.Tensor
    scales_and_zeros: torch.Tensor
    bias: torch.Tensor | None
    order: torch.Tensor | None

    def __init__(
        self,
        packed: torch.Tensor,
        scales_and_zeros: torch.Tensor,
        out_features: int,
        *,
        bias: torch.Tensor | None = None,
        order: torch.Tensor | None = None,
    ) -> None:
        """`packed` and `scales_and_zeros`, `[K / group, N, 2]`, are padded to whole blocks of N.

        `order`, where there is one, says which input comes first, second and so on, `[K]`.
        """
        super().__init__()
        groups, self._padded, _ = scales_and_zeros.shape
        self.in_features = packed.numel() * 2 // self._padded
        self.out_features = out_features
        self.group_size = self.in_features // groups
        self.kernel_rows = KERNEL_ROWS
        self._dense: DenseWeight | None = None
        self.register_buffer("packed", packed)
        self.register_buffer("scales_and_zeros", scales_and_zeros)
        self.register_buffer("bias", bias)
        self.register_buffer("order", order)

    @classmethod
    def from_codes(
        cls,
        codes: torch.Tensor,
        scales: torch.Tensor,
        zeros: torch.Tensor,
        *,
        bias: torch.Tensor | None = None,
        order: torch.Tensor | None = None,
    ) -> Self:
        """The layer with the weights `(codes - 8) * scales + zeros`.

        `codes` are 0 to 15, `[N, K]`; `scales` and `zeros` are `[K / group, N]`. Raises ValueError
        for groups that the kernel does not have.
        """
        group_size = codes.shape[1] // scales.shape[0]
        if not can_multiply(codes.shape[1], group_size):
            raise ValueError(f"there is no int4 kernel here for groups of {group_size}")
        pairs = torch.stack([scales, zeros], dim=-1).to(torch.bfloat16)
        return cls(
            pack(pad_outputs(codes, 0)),
            pad_outputs(pairs, 1).contiguous(),
            codes.shape[0],
            bias=None if bias is None else bias.detach().to(torch.bfloat16),
            order=order,
        )

    @classmethod
    def concatenate(cls, layers: Sequence["Int4Linear"]) -> "Int4Linear":
        """One layer with the outputs of several side by side, which read the same input.

        Raises ValueError when they cannot be joined: other sizes, groups or orders of inputs, or
        outputs that do not fill whole blocks.
        """
        first = layers[0]
        for layer in layers:
            if (layer.in_features, layer.group_size) != (first.in_features, first.group_size):
                raise ValueError("the layers differ in their inputs or groups")
            if not _same(layer.order, first.order):
                raise ValueError("the orders of the layers' inputs differ")
            if layer.out_features % BLOCK and layer is not layers[-1]:
                raise ValueError(f"{layer.out_features} outputs do not fill blocks of {BLOCK}")
        bias = None
        if any(layer.bias is not None for layer in layers):
            bias = torch.cat([layer._bias_or_zeros() for layer in layers])
        joined = cls(
            torch.cat([layer.packed.view(layer._padded, -1) for layer in layers]),
            torch.cat([layer.scales_and_zeros for layer in layers], dim=1),
            sum(layer.out_features for layer in layers),
            bias=bias,
            order=first.order,
        )
        joined.kernel_rows = min(layer.kernel_rows for layer in layers)
        if any(layer._dense is not None for layer in layers):
            joined.keep_dense()
        return joined

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` is `[..., in_features]`; the answer `[..., out_features]` has its dtype."""
        rows = x.reshape(-1, self.in_features).to(torch.bfloat16)
        if self.order is not None:
            rows = rows.index_select(1, self.order)
        if rows.shape[0] <= self.kernel_rows:
            y = self.multiply_int4(rows)
        else:
            y = self.multiply_dense(rows)
        if self._padded != self.out_features:
            y = y[:, : self.out_features]
        if self.bias is not None:
            y = y + self.bias
        return y.view(*x.shape[:-1], self.out_features).to(x.dtype)

    def multiply_int4(self, rows: torch.Tensor) -> torch.Tensor:
        """`rows` `[M, K]`, in the layer's order, times the weights, by the kernel."""
        product: torch.Tensor = torch.ops.aten._weight_int4pack_mm_for_cpu(
            rows.contiguous(), self.packed, self.group_size, self.scales_and_zeros
        )
        return product

    def multiply_dense(self, rows: torch.Tensor) -> torch.Tensor:
        """The same by a matrix multiplication in bfloat16."""
        if self._dense is not None:
            return self._dense.multiply(rows)
        return rows @ self._unpack(_scratch(self.in_features * self._padded))

    def keep_dense(self) -> None:
        """Keep the weights in bfloat16, too, for calls with many rows."""
        self._dense = DenseWeight(self._unpack(_scratch(self.in_features * self._padded)).t())

    def drop_dense(self) -> None:
        """Free what `keep_dense` keeps."""
        self._dense = None

    @property
    def keeps_dense(self) -> bool:
        """Whether the weights are kept in bfloat16, too."""
        return self._dense is not None

    @property
    def dense_nbytes(self) -> int:
        """What `keep_dense` takes, in bytes."""
        return 2 * self.in_features * self._padded

    @property
    def nbytes(self) -> int:
        """Memory of the weights, with those kept in bfloat16."""
        tensors = (self.packed, self.scales_and_zeros, self.bias, self.order)
        own = sum(tensor.nbytes for tensor in tensors if tensor is not None)
        return own + (self.dense_nbytes if self._dense is not None else 0)

    @property
    def dequantized_weight(self) -> torch.Tensor:
        """The weights in bfloat16, `[out_features, in_features]`, the inputs in their own order."""
        weight = self._unpack(torch.empty(self.in_features * self._padded, dtype=torch.bfloat16))
        weight = weight.t()[: self.out_features]
        return weight if self.order is None else weight[:, self.order.argsort()]

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        return f"{self.in_features}, {self.out_features}, group_size={self.group_size}"

    def _unpack(self, buffer: torch.Tensor) -> torch.Tensor:
        """The weights in bfloat16, `[K, padded N]`, written to `buffer`."""
        layout = find_layout()
        assert layout is not None, "there is no layer without a layout: see can_multiply"
        weight = buffer.view(self.in_features, self._padded)
        layout.unpack(self.packed, weight)
        groups = weight.view(-1, self.group_size, self._padded)
        # Copies, which stand together: with strides this takes sixteen times as long.
        scales = self.scales_and_zeros[:, None, :, 0].contiguous()
        zeros = self.scales_and_zeros[:, None, :, 1].contiguous()
        torch.addcmul(zeros, groups, scales, out=groups)
        return weight

    def _bias_or_zeros(self) -> torch.Tensor:
        if self.bias is not None:
            return self.bias
        return torch.zeros(self.out_features, dtype=torch.bfloat16)


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return torch.equal(one, other)


class _Scratch(threading.local):
    """Where weights are unpacked to: one buffer for all layers, one for each thread."""

    def __init__(self) -> None:
        self.buffer = torch.empty(0, dtype=torch.bfloat16)


_scratch_memory = _Scratch()


def _scratch(size: int) -> torch.Tensor:
    if _scratch_memory.buffer.numel() < size:
        with torch.inference_mode(False):
            _scratch_memory.buffer = torch.empty(size, dtype=torch.bfloat16)
    return _scratch_memory.buffer[:size]
