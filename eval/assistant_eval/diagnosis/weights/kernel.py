"""Whether the kernels that serve compute what the weights say, beside plain arithmetic."""

from typing import Any

import torch
from torch import nn

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.diagnosis.weights.layers import Layout, read, whole

MOST_ERROR = 0.02
"""Relative. A kernel in bfloat16 has some thousandths, and inputs of 8 bits as much again."""
_ROWS = (1, 64)
"""Tokens at once: an answer is written with one kernel, and a prompt read with another."""


class Kernel(Check):
    """Multiplies by a layer in plain float32 and by the kernel that serves."""

    name = "one layer by the kernel"
    doing = "multiplying by a layer in plain float32"

    def look(self, case: Case) -> Look:
        """See Check."""
        layout = Layout.of(case.gptq)
        names = whole(case, layout)
        modules = dict(case.loaded.model.named_modules())
        name = names[len(names) // 2]
        module = _module(modules, name)
        case.told(f"{self.doing}: {name}")
        weight = read(case, name, layout).weight()
        dtype = case.loaded.model.dtype
        errors = {rows: relative_error(module, weight, rows, dtype) for rows in _ROWS}
        worst = max(errors.values())
        seen = f"{worst:.4f} off at most for {' and '.join(map(str, _ROWS))} rows ({name})"
        if worst <= MOST_ERROR:
            return Look(seen)
        finding = Finding(
            Cause.WRONG_KERNEL,
            Weight.CERTAIN,
            f"products that differ by {MOST_ERROR} at most from those of plain float32",
            f"{worst:.4f} in {name} ({type(module).__name__})",
        )
        return Look(seen, (finding,))


def relative_error(module: nn.Module, weight: torch.Tensor, rows: int, dtype: torch.dtype) -> float:
    """How far a layer's products are from those with `weight` `[outputs, inputs]`, by their norms.

    The inputs are random numbers of `dtype`, the same every time. Without the layer's bias.
    """
    x = torch.randn(rows, weight.shape[1], generator=torch.Generator().manual_seed(rows))
    device = next((t.device for t in (*module.parameters(), *module.buffers())), x.device)
    bias = getattr(module, "bias", None)
    with torch.inference_mode():
        found = module(x.to(device, dtype)).float().cpu()
        if bias is not None:
            found = found - bias.float().cpu()
    expected = x.to(dtype).float() @ weight.t()
    return float((found - expected).norm() / expected.norm())


def _module(modules: dict[str, Any], name: str) -> nn.Module:
    for known in (name, f"base_model.model.{name}"):
        module = modules.get(known)
        if isinstance(module, nn.Module):
            return module
    raise CannotRun(f"the loaded model has no layer {name}")
