"""What a results file itself says of how it was measured."""

from collections.abc import Iterator, Mapping
from typing import Any

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.claims import Claim
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import MOST_SHOTS


class Results(Check):
    """Reads protocol, examples, cuts and fingerprints, as far as they are recorded."""

    name = "results file"
    doing = "reading the results file"

    def look(self, case: Case) -> Look:
        """See Check."""
        claim = case.claim
        if claim is None or claim.protocol is None:
            raise CannotRun("no results file is given: --results FILE")
        findings = [*_protocol(claim)]
        if claim.passport is not None:
            findings += _passport(case, claim, claim.passport)
        return Look(f"{claim.value:.1f}, {claim.how} ({claim.source})", tuple(findings))


def _protocol(claim: Claim) -> Iterator[Finding]:
    assert claim.protocol is not None
    letters = PROTOCOLS[claim.protocol].reading == "letters"
    if not letters or claim.shots != MOST_SHOTS:
        yield Finding(
            Cause.WRONG_PROTOCOL,
            Weight.LIKELY,
            f"letters and {MOST_SHOTS}-shot, as published figures are",
            f"{claim.how}: {PROTOCOLS[claim.protocol].about}",
            measuring=True,
        )


def _passport(case: Case, claim: Claim, passport: Mapping[str, Any]) -> Iterator[Finding]:
    case.told("comparing fingerprints of the weights")
    own, theirs = case.examined.identity(), passport.get("model", {})
    differing = [
        key
        for key in ("weights_sha256", "config_sha256", "tokenizer_sha256", "adapter_sha256")
        if own[key] != theirs.get(key)
    ]
    if differing:
        yield Finding(
            Cause.OTHER_MODEL,
            Weight.CERTAIN,
            f"the fingerprints of {case.examined.local.name}",
            f"others of {theirs.get('name')}: {', '.join(differing)}",
            measuring=True,
        )
    said = passport.get("protocols", {}).get(claim.protocol, {})
    if said.get("cut_side") == "right" and said.get("cut_prompts"):
        yield Finding(
            Cause.RIGHT_CUT,
            Weight.LIKELY,
            "prompts that end in `Answer:`",
            f"{said['cut_prompts']} of {claim.questions} were cut at the right",
            measuring=True,
        )
