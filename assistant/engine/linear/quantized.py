"""What layers with 4-bit weights have in common: a kernel for few rows, bfloat16 for many."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import nn

from assistant.engine.linear.packed import DenseWeight
from assistant.engine.shapes import fill

KERNEL_ROWS = 16
"""Rows that the kernel gets as long as nobody has measured: see `crossover`."""


class QuantizedLinear(nn.Module):
    """A linear layer with 4-bit weights, for inference.

    Activations stay bfloat16. Up to `kernel_rows` rows go through a kernel for 4-bit weights; for
    more, the weights become bfloat16: kept so by `keep_dense`, or else made anew in each call.
    """

    bias: torch.Tensor | None
    kernel = "a 4-bit kernel"
    """What multiplies few rows, as people should read it."""
    can_unpack = True
    """Whether making the weights bfloat16 in each call is fast enough to be worth a thought."""

    def __init__(
        self, in_features: int, out_features: int, group_size: int, bias: torch.Tensor | None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.group_size = group_size
        self.kernel_rows = KERNEL_ROWS
        self._dense: DenseWeight | None = None
        self.register_buffer("bias", None if bias is None else bias.detach().to(torch.bfloat16))

    @classmethod
    @abstractmethod
    def concatenate(cls, layers: Sequence[Self]) -> Self:
        """One layer with the outputs of several side by side, which read the same input.

        It holds the weights, and the parts look at them, so that nothing is held twice. Raises
        ValueError when they cannot be joined.
        """

    @abstractmethod
    def multiply_few(self, rows: torch.Tensor) -> torch.Tensor:
        """`rows` `[M, K]` times the weights, `[M, N]`, by the kernel; bfloat16 both."""

    @abstractmethod
    def multiply_unpacked(self, rows: torch.Tensor) -> torch.Tensor:
        """The same with weights that become bfloat16 for this call."""

    @abstractmethod
    def _unpacked(self) -> torch.Tensor:
        """The weights in bfloat16, `[N, K]`, in the order in which `multiply_few` reads inputs."""

    def multiply_many(self, rows: torch.Tensor) -> torch.Tensor:
        """The same by a matrix multiplication in bfloat16."""
        if self._dense is not None:
            return self._dense.multiply(rows)
        return self.multiply_unpacked(fill(rows))[: len(rows)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` is `[..., in_features]`; the answer `[..., out_features]` has its dtype."""
        rows = self._ordered(x.reshape(-1, self.in_features).to(torch.bfloat16))
        few = rows.shape[0] <= self.kernel_rows or not (self.can_unpack or self.keeps_dense)
        y = self.multiply_few(rows) if few else self.multiply_many(rows)
        if y.shape[1] != self.out_features:
            y = y[:, : self.out_features]
        if self.bias is not None:
            y = y + self.bias
        return y.reshape(*x.shape[:-1], self.out_features).to(x.dtype)

    def keep_dense(self, weight: torch.Tensor | None = None) -> None:
        """Keep the weights in bfloat16, too, for calls with many rows.

        `weight` are they, where somebody has them at hand, in the order of `multiply_few`.
        """
        self._dense = DenseWeight(self._unpacked() if weight is None else weight)

    def drop_dense(self) -> None:
        """Free what `keep_dense` keeps."""
        self._dense = None

    @property
    def needs_dense(self) -> bool:
        """Whether many rows are faster with weights in bfloat16."""
        return True

    @property
    def keeps_dense(self) -> bool:
        """Whether the weights are kept in bfloat16, too."""
        return self._dense is not None

    @property
    def dense_nbytes(self) -> int:
        """What `keep_dense` takes, in bytes."""
        return 2 * self.in_features * self.out_features

    @property
    def dense_held(self) -> int:
        """What `keep_dense` has taken, which is in no buffer."""
        return 0 if self._dense is None else self._dense.nbytes

    @property
    def nbytes(self) -> int:
        """Memory of the weights, with those kept in bfloat16."""
        return self.dense_held + sum(tensor.nbytes for tensor in self.buffers(recurse=False))

    @property
    def dequantized_weight(self) -> torch.Tensor:
        """The weights in bfloat16, `[out_features, in_features]`: a copy."""
        return self._unpacked()[: self.out_features].clone()

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        return f"{self.in_features}, {self.out_features}, group_size={self.group_size}"

    def _ordered(self, rows: torch.Tensor) -> torch.Tensor:
        """The inputs in the order in which the weights stand."""
        return rows


def joined_bias(layers: Sequence[QuantizedLinear]) -> torch.Tensor | None:
    """The layers' biases side by side, None if there is none."""
    if all(layer.bias is None for layer in layers):
        return None
    return torch.cat(
        [
            torch.zeros(layer.out_features, dtype=torch.bfloat16)
            if layer.bias is None
            else layer.bias
            for layer in layers
        ]
    )


def finish_joining(joined: QuantizedLinear, layers: Sequence[QuantizedLinear]) -> None:
    """Let a joined layer work as its parts did, and the parts keep nothing of their own twice."""
    joined.kernel_rows = min(layer.kernel_rows for layer in layers)
    kept = [layer._dense.plain() for layer in layers if layer._dense is not None]
    for layer in layers:
        layer.drop_dense()
    if len(kept) == len(layers):
        joined.keep_dense(torch.cat(kept))
