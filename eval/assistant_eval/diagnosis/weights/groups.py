"""Whether each input of a GPTQ layer is in the group that it was quantized in."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.diagnosis.weights.layers import (
    Layout,
    StoredLayer,
    samples,
    whole,
)

_OUTPUTS = 256
"""Of each layer: what is compared are means over groups and outputs."""
_SURE = 2.5
"""Standard errors by which codes reach further in true groups than in random ones: five and more
in matrices of 128 inputs and outputs, dozens in those of large models."""
_ORDERED = 4.0
"""Standard errors by which neighbours reach further where they are the true groups."""
_ROOM = 0.2
"""Steps. Where random groups reach nearly as far as a code can, nothing can be compared."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the codes of a group reach, averaged over groups and outputs, in steps.

    From the zero point where all have the same, and else from the least code to the largest.
    """

    own: float
    """In the groups of g_idx."""
    random: float
    """In groups of the same sizes, drawn by lot."""
    in_order: float
    """In groups of neighbours."""
    stderr: float
    """Of the differences."""
    most: float
    """As far as a code can reach."""

    @property
    def mixed(self) -> bool:
        """Whether these are not the groups that the inputs were quantized in."""
        by_lot = self.own - self.random < _SURE * self.stderr
        return by_lot or self.in_order - self.own > _ORDERED * self.stderr


class Groups(Check):
    """Looks at `g_idx` by itself, beside what config.json says of it, and beside the codes.

    Quantization spreads the codes of each group over their whole range. Codes that are put
    together by a damaged `g_idx` are of several groups, and spread no wider than codes that were
    put together by lot.
    """

    name = "g_idx"
    doing = "comparing groups with the codes in them"

    def look(self, case: Case) -> Look:
        """See Check."""
        layout = Layout.of(case.gptq)
        found = whole(case, layout)
        problems = list(_structure(case, layout, found))
        if not problems:
            return self._compare(case, layout)
        seen = _several(problems, len(found))
        wanted = "each group with as many inputs as config.json says, in the order it says"
        return Look(seen, (Finding(Cause.DAMAGED_G_IDX, Weight.CERTAIN, wanted, seen),))

    def _compare(self, case: Case, layout: Layout) -> Look:
        mixed, told = [], []
        for layer in samples(case, layout, _OUTPUTS):
            if len(layer.scales) < 2:
                continue
            spread = spread_of(layer)
            if spread.most - spread.random < _ROOM:
                continue
            told.append(spread)
            if spread.mixed:
                mixed.append((layer.name, spread))
        if not told:
            return Look("as config.json says; groups are too few or too alike to compare codes")
        mean = sum(one.own for one in told) / len(told)
        drawn = sum(one.random for one in told) / len(told)
        seen = f"codes of a group reach {mean:.2f} steps, {drawn:.2f} in groups drawn by lot"
        if not mixed:
            return Look(seen)
        name, spread = mixed[0]
        finding = Finding(
            Cause.DAMAGED_G_IDX,
            Weight.LIKELY,
            "codes that reach further in their groups than in groups drawn by lot"
            f" ({spread.random:.2f} ± {spread.stderr:.2f} steps in {name})",
            f"{spread.own:.2f} steps; so in {len(mixed)} of {len(told)} layers",
        )
        return Look(seen, (finding,))


def spread_of(layer: StoredLayer) -> Spread:
    """Compares the groups of a layer with groups by lot and with neighbours."""
    zero = layer.zeros.flatten()[0]
    symmetric = bool((layer.zeros == zero).all())
    codes = (layer.codes - zero).abs() if symmetric else layer.codes
    sizes = torch.bincount(layer.g_idx, minlength=len(layer.scales)).tolist()
    lot = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))
    own, random, in_order = (
        _reach(codes[places], sizes, symmetric)
        for places in (layer.g_idx.argsort(stable=True), lot, torch.arange(len(codes)))
    )
    error = float((own.var() + random.var()).sqrt() / own.numel() ** 0.5)
    return Spread(
        float(own.mean()),
        float(random.mean()),
        float(in_order.mean()),
        error,
        float(codes.max() if symmetric else codes.max() - codes.min()),
    )


def _reach(codes: torch.Tensor, sizes: list[int], symmetric: bool) -> torch.Tensor:
    """How far the codes of each group and output reach, `[groups, outputs]`."""
    parts = [part for part in torch.split_with_sizes(codes, sizes) if len(part)]
    least = 0 if symmetric else torch.stack([part.amin(0) for part in parts])
    return (torch.stack([part.amax(0) for part in parts]) - least).float()


def _structure(case: Case, layout: Layout, found: list[str]) -> Iterator[str]:
    """What is wrong with g_idx whatever the codes are."""
    in_order = 0
    for name in found:
        g_idx = case.stored.tensor(f"{name}.g_idx").long()
        groups = layout.groups(len(g_idx))
        if int(g_idx.min()) < 0 or int(g_idx.max()) >= groups:
            yield f"{name} names groups {int(g_idx.min())} to {int(g_idx.max())} of {groups}"
            continue
        sizes = torch.bincount(g_idx, minlength=groups)
        if layout.group > 0 and int(sizes.max()) > layout.group:
            yield f"{name} has {int(sizes.max())} inputs in a group of {layout.group}"
            continue
        ordered = bool((g_idx.diff() >= 0).all())
        in_order += ordered
        if not ordered and not layout.act_order:
            yield f"{name} mixes inputs, and config.json says desc_act false"
    if layout.act_order and in_order == len(found) and _several_groups(case, found):
        yield f"all {in_order} layers are in order, and config.json says desc_act true"


def _several_groups(case: Case, found: list[str]) -> bool:
    return any(case.stored.headers[f"{name}.scales"].shape[0] > 1 for name in found)


def _several(problems: list[str], layers: int) -> str:
    more = f"; {len(problems) - 1} more of {layers} layers" if len(problems) > 1 else ""
    return problems[0] + more
