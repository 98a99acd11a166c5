"""The scores of a sample under every protocol."""

from assistant_eval.diagnosis.bands import published, quantization_loss
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.diagnosis.questions import ways
from assistant_eval.diagnosis.questions.ways import REFERENCE

_SURE = 3.0
"""Standard errors below what is published from which on that is no chance."""
_AROUND = 1.0
"""Points by which published figures of one model differ."""


class Matrix(Check):
    """Asks the sample under each protocol, with and without examples.

    The faithful score is held against what is published for the model's size.
    """

    name = "protocols"
    doing = "asking under every protocol"

    def look(self, case: Case) -> Look:
        """See Check."""
        sitting, told = case.sitting, []
        for way in ways.protocols():
            case.told(f"{self.doing}: {way.name}")
            told.append(f"{way.name} {sitting.sat(way).micro:.1f}")
        sat = sitting.sat(REFERENCE)
        error = sat.stderr(len(case.exam))
        seen = (
            f"{sat.micro:.1f} ± {error:.1f} (mean of subjects {sat.macro:.1f}) on"
            f" {sat.questions} questions; " + ", ".join(told)
        )
        size = case.loaded.description.parameters
        figures = [one for one in published() if one.faithful and one.is_of(size)]
        if not figures or not case.whole_mmlu:
            return Look(seen)
        loss = quantization_loss()
        lowest = min(figures, key=lambda one: one.score)
        least = lowest.score - _AROUND - loss.most
        if sat.micro + _SURE * error >= least:
            return Look(seen)
        finding = Finding(
            Cause.BELOW_BAND,
            Weight.SYMPTOM,
            f"{lowest.score:.1f} of {lowest.model} ({lowest.source}), less {loss.most} at most for"
            f" 4 bits ({loss.source})",
            f"{sat.micro:.1f} ± {error:.1f}",
        )
        return Look(seen, (finding,))
