"""GPTQ's layers as a folder holds them, unpacked by plain arithmetic and nobody's kernel."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from assistant.engine.linear.gptq import has_second_format
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun

PARTS = ("qweight", "qzeros", "scales", "g_idx")
_WORD = 32


@dataclass(frozen=True)
class Layout:
    """How numbers are packed, as config.json or quantize_config.json says."""

    bits: int
    group: int
    """Inputs that share a scale; -1 for all of a layer."""
    act_order: bool
    offset: int
    """What is added to a stored zero: files of the first format hold zeros less one."""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Layout":
        """Raises CannotRun for widths that do not divide a 32-bit word."""
        bits, group = said.get("bits", 4), said.get("group_size", 128)
        if bits not in (2, 4, 8) or not isinstance(group, int):
            raise CannotRun(f"weights of {bits} bits in groups of {group} are not unpacked here")
        # A folder whose order is fixed beforehand keeps its groups together.
        act_order = bool(said.get("desc_act")) and not said.get("static_groups")
        return cls(bits, group, act_order, 0 if has_second_format(said) else 1)

    @property
    def per_word(self) -> int:
        """Numbers in one 32-bit word."""
        return _WORD // self.bits

    def groups(self, inputs: int) -> int:
        """The groups of a layer."""
        return 1 if self.group < 1 else -(-inputs // self.group)


@dataclass(frozen=True)
class StoredLayer:
    """One layer, or the first outputs of it."""

    name: str
    codes: torch.Tensor
    """`[inputs, outputs]`, from 0 to 2 ** bits - 1."""
    zeros: torch.Tensor
    """`[groups, outputs]`, with the offset of the format."""
    scales: torch.Tensor
    """`[groups, outputs]`, float32."""
    g_idx: torch.Tensor
    """`[inputs]`, each input's group."""

    def weight(self) -> torch.Tensor:
        """`[outputs, inputs]` in float32: (code - zero) * scale of its group."""
        steps = (self.codes - self.zeros[self.g_idx]).float()
        return (steps * self.scales[self.g_idx]).t()


def names(case: Case) -> list[str]:
    """The names of all GPTQ layers. Raises CannotRun where there are none."""
    found = sorted(
        name.removesuffix(".qweight") for name in case.stored.headers if name.endswith(".qweight")
    )
    if not found:
        raise CannotRun("no file holds a GPTQ layer")
    return found


def whole(case: Case, layout: Layout) -> list[str]:
    """Those whose tensors are all there and fit together. Raises CannotRun where none are."""
    found = [name for name in names(case) if _fits(case, name, layout)]
    if not found:
        raise CannotRun("no GPTQ layer is whole")
    return found


def read(case: Case, name: str, layout: Layout, outputs: int | None = None) -> StoredLayer:
    """One of `whole`, at most so many outputs of it. Raises ModelFolderError."""
    stored = case.stored
    codes = _unpack(stored.tensor(f"{name}.qweight", outputs), layout, 0)
    scales = stored.tensor(f"{name}.scales", outputs).float()
    width = None if outputs is None else -(-outputs // layout.per_word)
    zeros = _unpack(stored.tensor(f"{name}.qzeros", width), layout, 1)[:, : scales.shape[1]]
    g_idx = stored.tensor(f"{name}.g_idx").long()
    return StoredLayer(name, codes, zeros + layout.offset, scales, g_idx)


def samples(case: Case, layout: Layout, outputs: int) -> Iterator[StoredLayer]:
    """The first outputs of each whole layer whose groups can be looked up."""
    found = whole(case, layout)
    for place, name in enumerate(found):
        case.told(f"unpacking layer {place + 1} of {len(found)}")
        layer = read(case, name, layout, outputs)
        if int(layer.g_idx.min()) >= 0 and int(layer.g_idx.max()) < len(layer.scales):
            yield layer


def _fits(case: Case, name: str, layout: Layout) -> bool:
    headers = case.stored.headers
    if any(f"{name}.{part}" not in headers for part in PARTS):
        return False
    (words, outputs), (groups, width) = (
        headers[f"{name}.{part}"].shape for part in ("qweight", "qzeros")
    )
    inputs = words * layout.per_word
    return (
        headers[f"{name}.scales"].shape == (groups, outputs)
        and width * layout.per_word >= outputs
        and headers[f"{name}.g_idx"].shape == (inputs,)
    )


def _unpack(words: torch.Tensor, layout: Layout, dim: int) -> torch.Tensor:
    """The numbers of 32-bit words, the first in the lowest bits, along `dim` of a matrix."""
    shifts = torch.arange(0, _WORD, layout.bits, dtype=torch.int32)
    mask = 2**layout.bits - 1
    columns = words if dim == 1 else words.t()
    numbers: torch.Tensor = ((columns[:, :, None] >> shifts) & mask).flatten(1, 2)
    return numbers if dim == 1 else numbers.t()
