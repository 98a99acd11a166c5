"""From what all checks found to one line."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant_eval.diagnosis.checks import Outcome
from assistant_eval.diagnosis.findings import Cause, Finding, Weight


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, as far as the checks can tell."""

    cause: Cause | None
    """None where nothing is."""
    line: str
    """For people: what it is, what was predicted and what was seen."""
    remedy: str | None
    """What to do about it."""
    also: tuple[Cause, ...] = ()
    """What else was found, which may well come of the same."""


def weigh(outcomes: Sequence[Outcome], claim: float | None, explained: bool) -> Verdict:
    """Name the one cause that the evidence is strongest for.

    Contradictions weigh more than numbers, and numbers more than symptoms. Of equals the first is
    named: checks stand in the order in which one fault makes another. `claim` is the number to be
    explained, and `explained` says that it is the model's own: then no way of measuring is to
    blame.
    """
    found = [
        finding
        for outcome in outcomes
        for finding in outcome.findings
        if finding.weight > Weight.NOTE and not (explained and _about_measuring(finding))
    ]
    if not found:
        return Verdict(None, _nothing(outcomes, claim, explained), None)
    best = max(found, key=lambda finding: finding.weight)
    also = dict.fromkeys(one.cause for one in found if one.cause is not best.cause)
    line = f"{best.cause}: predicted {best.predicted}; seen {best.seen}"
    return Verdict(best.cause, line, best.cause.remedy, tuple(also))


def _about_measuring(finding: Finding) -> bool:
    return finding.measuring and finding.weight < Weight.CERTAIN


def _nothing(outcomes: Sequence[Outcome], claim: float | None, explained: bool) -> str:
    missing = sum(outcome.state == "not run" for outcome in outcomes)
    rest = f"; {missing} of {len(outcomes)} checks could not be run" if missing else ""
    if claim is not None and explained:
        return f"nothing is wrong: {claim:.1f} is what this model scores{rest}"
    return f"nothing wrong was found{rest}"
