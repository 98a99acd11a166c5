"""Whether all weights are numbers, and whether they are a model's or a difference of two."""

from statistics import median

import torch

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight

_NORMED = ("llama", "mistral", "qwen2", "qwen3")
"""Families whose norms multiply by their weights; others multiply by one more than those."""
_LEAST_NORM = 0.02
"""Of the middle one of all norms: those of LLaMA's layers are some tenths, and of a difference of
two models some thousandths."""


class Finite(Check):
    """Reads every weight once."""

    name = "weights that are no numbers"
    doing = "reading all weights"

    def look(self, case: Case) -> Look:
        """See Check."""
        stored = case.stored
        if not stored.headers:
            raise CannotRun("; ".join(stored.problems) or "the folder holds no safetensors")
        broken: list[str] = []
        norms: list[float] = []
        for place, (name, tensor) in enumerate(stored.tensors()):
            case.told(f"reading weights: {place + 1:,} of {len(stored.headers):,}")
            if not tensor.is_floating_point():
                continue
            bad = int((~torch.isfinite(tensor)).sum())
            if bad:
                broken.append(f"{name} ({bad:,} of {tensor.numel():,})")
            elif tensor.ndim == 1 and "norm" in name:
                norms.append(float(tensor.float().abs().mean()))
        findings = [_broken(broken)] if broken else []
        if norms and case.config.get("model_type") in _NORMED and median(norms) < _LEAST_NORM:
            findings.append(_difference(median(norms)))
        return Look(f"{len(broken)} of {len(stored.headers):,} tensors", tuple(findings))


def _broken(names: list[str]) -> Finding:
    more = f" and {len(names) - 1} more tensors" if len(names) > 1 else ""
    return Finding(
        Cause.NON_FINITE,
        Weight.CERTAIN,
        "no NaN and no infinity in any tensor",
        f"{names[0]}{more}: such a model names A always, which is 22.95 of MMLU",
    )


def _difference(size: float) -> Finding:
    return Finding(
        Cause.UNMERGED_DELTA,
        Weight.LIKELY,
        f"norms with weights of {_LEAST_NORM} and more in the middle",
        f"{size:.4f}, as where one model was subtracted from another",
    )
