"""How many prompts are longer than the model reads, and what that costs."""

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import Check
from assistant_eval.diagnosis.findings import Look
from assistant_eval.diagnosis.questions.ways import LENGTHS, REFERENCE


class Truncation(Check):
    """Counts the tokens of each prompt with five examples.

    What a harness lost by cutting them elsewhere is seen where a number is claimed.
    """

    name = "truncation"
    doing = "counting the tokens of prompts"

    def look(self, case: Case) -> Look:
        """See Check."""
        sitting, context = case.sitting, case.loaded.context
        asks = [ask for batch in sitting.batches(REFERENCE) for ask in batch.asks]
        sizes = [ask.tokens + ask.lost for ask in asks]
        limits = sorted({context, *(length for length in LENGTHS if length < context)})
        told = ", ".join(
            f"{sum(size > limit for size in sizes)} over {limit:,}" for limit in limits
        )
        sat = sitting.sat(REFERENCE)
        seen = f"of {len(sizes)} prompts {told} tokens"
        if sat.cut:
            whole = sat.questions - sat.cut
            right = sat.micro * sat.questions / 100
            rest = f"{(right - sat.right_of_cut) / whole:.0%}" if whole else "none"
            seen += f"; right {sat.right_of_cut / sat.cut:.0%} of those cut, {rest} of the others"
        return Look(seen)
