"""Whether zero points are read as they were written: files hold them in two conventions."""

from statistics import median

from assistant.engine.linear.gptq import has_second_format
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.diagnosis.weights.layers import Layout, StoredLayer, samples

_OUTPUTS = 256
_MOST = 0.5
"""Steps. A convention is a whole step; the weights of a layer have a mean near nothing."""


class Zeros(Check):
    """Looks where the weights have their mean, in steps of the quantization.

    A matrix's weights are spread about nothing. Zero points that are all off by one move every
    weight by a whole step.
    """

    name = "zero points"
    doing = "looking where the weights have their mean"

    def look(self, case: Case) -> Look:
        """See Check."""
        layout = Layout.of(case.gptq)
        means = [mean_of(layer) for layer in samples(case, layout, _OUTPUTS)]
        if not means:
            raise CannotRun("no layer's groups can be looked up")
        middle = median(means)
        seen = f"weights have their mean at {middle:+.2f} steps (the middle of {len(means)} layers)"
        if abs(middle) <= _MOST:
            return Look(seen)
        form = "gptq_v2" if has_second_format(case.gptq) else "gptq"
        finding = Finding(
            Cause.SHIFTED_ZEROS,
            Weight.CERTAIN,
            f"a mean within {_MOST} steps of 0 where zeros are read as {form} writes them",
            f"{middle:+.2f} steps: zero points are off by {round(-middle):+d}",
        )
        return Look(seen, (finding,))


def mean_of(layer: StoredLayer) -> float:
    """The mean of a layer's weights, in steps."""
    return float((layer.codes - layer.zeros[layer.g_idx]).float().mean())
