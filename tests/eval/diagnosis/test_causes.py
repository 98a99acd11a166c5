"""Every cause that is planted is named, and where there is none none is."""

import pytest

from assistant_eval.diagnosis.diagnosing import diagnose
from tests.eval.diagnosis.planted import MEASURED, PLANTS, Ward


@pytest.mark.parametrize("planted", [name for name in PLANTS if name not in MEASURED])
def test_the_verdict_names_what_was_planted(planted: str, ward: Ward) -> None:
    cause, plant = PLANTS[planted]
    verdict = diagnose(plant(ward)).verdict
    assert verdict.cause is cause, verdict.line
    assert (verdict.remedy is None) == (cause is None)


def test_the_verdict_names_how_a_number_was_measured(ward: Ward) -> None:
    """Two ways may come to the same score by chance: one is allowed to."""
    wrong = []
    for planted in MEASURED:
        cause, plant = PLANTS[planted]
        verdict = diagnose(plant(ward)).verdict
        if verdict.cause is not cause:
            wrong.append(f"{planted}: {verdict.line}")
            # What it was is named all the same, beside what has the same score.
            assert cause is None or "also possible" in verdict.line, verdict.line
    assert len(wrong) <= 1, wrong
