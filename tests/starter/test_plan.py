"""The schedule, and what the records of a training tell about it."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from tools.starter import history, plan
from tools.starter.plan import WARM_UP, Plan


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    schedule = Plan(steps=1000, cooldown_from=600)
    rising = [schedule.factor(step) for step in range(WARM_UP)]
    assert rising == sorted(rising) and rising[0] > 0 and rising[-1] == 1
    assert {schedule.factor(step) for step in range(WARM_UP, 600)} == {1.0}
    falling = [schedule.factor(step) for step in range(600, 1001)]
    drops = {round(before - after, 9) for before, after in pairwise(falling)}
    assert drops == {1 / 400}
    assert falling[-1] == 0 == schedule.factor(1200)


def test_without_an_end_the_rate_stays() -> None:
    assert Plan().factor(10**6) == 1


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert plan.read(tmp_path) == Plan()
    plan.write(tmp_path, Plan(steps=10, cooldown_from=5, rows=4, window=2048))
    assert plan.read(tmp_path) == Plan(10, 5, 4, 2048)


def test_history_knows_resumed_steps_once(tmp_path: Path) -> None:
    plan.write(tmp_path, Plan(steps=80, cooldown_from=40))
    steps = [(20, 512, 100), (40, 512, 50), (40, 512, 100), (60, 2048, 100), (80, 2048, 100)]
    lines: list[dict[str, object]] = [
        {"step": step, "tokens": step * 100, "window": window, "tokens_per_second": speed}
        for step, window, speed in steps
    ]
    lines.insert(2, {"step": 40, "development": {"code": 1.0}})
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    past = history.read(tmp_path, 80)
    assert past.phases == ((512, 40), (2048, 80))
    assert past.hours == pytest.approx(80 * 100 / 100 / 3600)
    assert past.cooldown_from == 40
    assert history.read(tmp_path, 40).cooldown_from is None
    assert history.read(tmp_path, 40).phases == ((512, 40),)
