"""What could have produced a number: the ways whose scores come near it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.claims import Claim
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.diagnosis.questions import ways
from assistant_eval.diagnosis.questions.sitting import Sat
from assistant_eval.diagnosis.questions.ways import REFERENCE, Way

_MOST_ERRORS = 2.0
"""Standard errors up to which a score is called the same."""
_ROUNDING = 0.05
"""Points: a number is told with one decimal."""
_SAID = 10.0
"""How much likelier a way is that a results file names."""
_ALSO = 0.2
"""How likely, beside the best explanation, another must be to be told."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way, and how well it explains the number."""

    way: Way
    score: float
    mean: str
    """Which of the two means of the answers it is, where it is not the usual one."""
    stderr: float
    apart: float
    """Points between the score and the number."""

    @property
    def near(self) -> bool:
        """Whether it can have produced the number."""
        return self.apart <= _MOST_ERRORS * self.stderr

    @property
    def likelihood(self) -> float:
        """Of the number under this way, times how often that is met; for comparison alone."""
        spread = self.apart / self.stderr
        return self.way.prior * math.exp(-spread * spread / 2) / self.stderr


class Explaining(Check):
    """Asks the sample in every way that is known, faithful or not, and compares the scores."""

    name = "the claimed number"
    doing = "looking for a way to the claimed number"

    def look(self, case: Case) -> Look:
        """See Check."""
        claim = case.claim
        if claim is None:
            raise CannotRun("no number is claimed: --claimed 35.2 or --results FILE")
        faithful = candidate(case, claim, REFERENCE)
        own = f"{faithful.score:.1f} ± {faithful.stderr:.1f} is this model's faithful score"
        if faithful.near:
            return Look(f"{claim.value:.1f} is claimed, and {own}")
        found = sorted(_candidates(case, claim), key=lambda one: -one.likelihood)
        near = [one for one in found if one.near]
        seen = f"{claim.value:.1f} claimed; {own}"
        if not near:
            nearest = min(found, key=lambda one: one.apart)
            finding = Finding(
                Cause.UNEXPLAINED,
                Weight.SYMPTOM,
                f"{own}; of {len(found)} other ways the nearest is {_told(nearest)}",
                f"{claim.value:.1f} {claim.source}",
                measuring=True,
            )
            return Look(seen, (finding,))
        best = near[0]
        also = [o for o in near[1:] if o.likelihood >= _ALSO * best.likelihood]
        more = f"; also possible: {', '.join(map(_told, also))}" if also else ""
        assert best.way.cause is not None, "the faithful way is not among them"
        finding = Finding(
            best.way.cause,
            Weight.LIKELY,
            f"{_told(best)}{more}",
            f"{claim.value:.1f} {claim.source}, where {own}",
            measuring=True,
        )
        return Look(seen, (finding,))


def candidate(case: Case, claim: Claim, way: Way) -> Candidate:
    """How well a way explains a number."""
    sat = case.sitting.sat(way)
    error = math.hypot(
        sat.stderr(len(case.exam)), _own_error(sat, claim, len(case.exam)), _resolution(sat)
    )
    # People tell either mean, mostly that of all questions.
    means = ((sat.micro, ""), (sat.macro, " (mean of subjects)"))
    score, mean = min(means, key=lambda one: abs(claim.value - one[0]))
    return Candidate(way, score, mean, error, abs(claim.value - score))


def _candidates(case: Case, claim: Claim) -> Iterator[Candidate]:
    for way in _ways(case):
        if way.cause is None:
            continue
        case.told(f"looking for a way to {claim.value:.1f}: {way.name}")
        said = (claim.protocol, claim.shots) == (way.protocol.name, way.shots)
        yield candidate(case, claim, replace(way, prior=_SAID * way.prior) if said else way)


def _ways(case: Case) -> Iterator[Way]:
    encoder = case.encoder
    (ids,) = encoder.encode(["Answer"], "tokenizer")
    adds = encoder.bos is not None and ids[:1] == (encoder.bos,)
    yield from ways.faults(case.loaded.context, adds, encoder.bos is not None)
    yield from ways.protocols()


def _own_error(sat: Sat, claim: Claim, whole: int) -> float:
    """Of the claimed number, where it is of a sample itself."""
    if claim.questions is None or claim.questions >= whole:
        return 0.0
    share = sat.micro / 100
    return 100 * math.sqrt(share * (1 - share) / claim.questions)


def _resolution(sat: Sat) -> float:
    """Half a question, as one more or less may go another way on another machine."""
    return 50 / sat.questions + _ROUNDING


def _told(one: Candidate) -> str:
    return f"{one.score:.1f} ± {one.stderr:.1f}{one.mean} {one.way.name}"
