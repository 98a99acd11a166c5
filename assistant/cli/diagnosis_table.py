"""A diagnosis for people and for scripts."""

import json
import shutil
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant_eval.diagnosis.checks import Outcome
    from assistant_eval.diagnosis.diagnosing import Diagnosis
    from assistant_eval.diagnosis.findings import Finding

_NAME, _STATE = 28, 9
_LEAST, _MOST = 60, 120


def table(diagnosis: "Diagnosis") -> str:
    """A line for each check, the evidence below those that found something, and the verdict."""
    lines: list[str] = []
    reasons: dict[str, str] = {}
    for outcome in diagnosis.outcomes:
        # The questions that are not there keep five checks from running: that is said once.
        first = reasons.setdefault(outcome.seen, outcome.check)
        again = first != outcome.check and len(outcome.seen) > _LEAST
        lines += _outcome(outcome, f"as with {first}" if again else outcome.seen)
    verdict = diagnosis.verdict
    lines += ["", *_wrapped("verdict: ", verdict.line)]
    if verdict.also:
        lines += _wrapped("also found: ", ", ".join(verdict.also))
    if verdict.remedy is not None:
        lines += _wrapped("what to do: ", verdict.remedy)
    return "\n".join(lines)


def as_json(diagnosis: "Diagnosis") -> str:
    """Everything on one line; weights of evidence by their names."""
    fields = asdict(diagnosis)
    for outcome in fields["outcomes"]:
        for finding in outcome["findings"]:
            finding["weight"] = finding["weight"].name.lower()
    return json.dumps(fields, ensure_ascii=False)


def _outcome(outcome: "Outcome", seen: str) -> list[str]:
    first = f"{outcome.check:{_NAME}}{outcome.state:{_STATE}}"
    lines = _wrapped(first, seen)
    for finding in outcome.findings:
        lines += _finding(finding)
    return lines


def _finding(finding: "Finding") -> list[str]:
    indent = " " * (_NAME + _STATE)
    return [
        *_wrapped(f"{indent}! ", finding.cause),
        *_wrapped(f"{indent}  predicted: ", finding.predicted),
        *_wrapped(f"{indent}  seen:      ", finding.seen),
    ]


def _wrapped(first: str, text: str) -> list[str]:
    """The text behind what its first line begins with, as wide as the terminal."""
    width = min(max(shutil.get_terminal_size().columns, _LEAST), _MOST)
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]
