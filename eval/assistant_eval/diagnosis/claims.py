"""A number that somebody measured, and what is known of how: claimed, or read from results."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from assistant.errors import UsageError
from assistant_eval.mmlu.protocols import ACC, ACC_NORM
from assistant_eval.runs import PASSPORT_FILE, SCORES_FILE

_OLD, _NEW = "hendrycksTest", "mmlu"
_LETTERS_SINCE = 1
"""The version of lm-evaluation-harness' `hendrycksTest` that compares letters; 0 compared texts."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A score, in per cent."""

    value: float
    source: str
    """Where it comes from, for people."""
    protocol: str | None = None
    """One of ours by its name; None where nobody says."""
    shots: int | None = None
    measure: str | None = None
    questions: int | None = None
    """How many were asked; None for all."""
    passport: Mapping[str, Any] | None = None
    """That of a run of our own."""

    @property
    def how(self) -> str:
        """What is known of how it was measured, in words."""
        said = [
            self.protocol,
            None if self.shots is None else f"{self.shots}-shot",
            self.measure,
        ]
        return " ".join(one for one in said if one) or "by an unknown protocol"


def claimed(value: float) -> Claim:
    """A bare number. Raises UsageError for one that is no percentage."""
    if not 0 <= value <= 100:
        raise UsageError(f"--claimed is in per cent, from 0 to 100, not {value}")
    # A share such as 0.352 is what harnesses print.
    return Claim(100 * value if 0 < value < 1 else value, "claimed")


def read_results(path: Path, value: float | None) -> Claim:
    """What a results file of lm-evaluation-harness, or a run's folder of ours, says.

    Of several scores in it, that is meant which is nearest to `value`; by default the first. Raises
    UsageError for anything else.
    """
    found = _of_run(path) if path.is_dir() else _of_harness(path, _json(path))
    if not found:
        raise UsageError(f"{path} holds no score of MMLU")
    if value is None:
        return found[0]
    return min(found, key=lambda one: abs(one.value - claimed(value).value))


def _of_run(folder: Path) -> list[Claim]:
    passport, scores = _json(folder / PASSPORT_FILE), _json(folder / SCORES_FILE)
    try:
        return [
            Claim(
                value=100 * one["micro"]["accuracy"],
                source=str(folder),
                protocol=one["protocol"],
                shots=passport["shots"],
                measure=one["measure"],
                questions=one["micro"]["questions"],
                passport=passport,
            )
            for one in scores
        ]
    except (KeyError, TypeError) as error:
        raise UsageError(f"{folder} is not a run of `assistant eval mmlu`: {error!r}") from error


def _of_harness(file: Path, content: Any) -> list[Claim]:
    try:
        results: Mapping[str, Mapping[str, Any]] = content["results"]
        versions = content.get("versions", {})
        config = content.get("config", {})
        old = [name for name in results if name.startswith(_OLD)]
        new = [name for name in results if name.startswith(f"{_NEW}_")]
        names = old or new or [name for name in results if name == _NEW]
        if not names:
            return []
        by_text = old and max(versions.get(name, 0) for name in old) < _LETTERS_SINCE
        claims = []
        for measure in (ACC, ACC_NORM) if by_text else (ACC,):
            values = [_measured(results[name], measure) for name in names]
            known = [value for value in values if value is not None]
            if known:
                claims.append(
                    Claim(
                        value=100 * fmean(known),
                        source=str(file),
                        protocol="old-harness" if by_text else "harness",
                        shots=_shots(content, config, names),
                        measure=measure,
                        questions=_limit(config, len(names)),
                    )
                )
        return claims
    except (AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is no results file of lm-evaluation-harness") from error


def _measured(result: Mapping[str, Any], measure: str) -> float | None:
    value = result.get(measure, result.get(f"{measure},none"))
    return None if value is None else float(value)


def _shots(content: Mapping[str, Any], config: Mapping[str, Any], names: Iterable[str]) -> int:
    by_task = content.get("n-shot", {})
    found = {by_task[name] for name in names if name in by_task}
    said = config.get("num_fewshot")
    # Nothing at all is what the harness takes for no examples.
    return int(max(found) if found else said or 0)


def _limit(config: Mapping[str, Any], subjects: int) -> int | None:
    limit = config.get("limit")
    return None if limit is None or limit < 1 else int(limit) * subjects


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as JSON: {error}") from error
