"""Tests of two runs: exact where they can be, symmetric, and wrong as seldom as they say."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant_eval.compare.betting import Betting
from assistant_eval.compare.paired import compare, gate, mcnemar, score_bound

OUTCOMES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)
SHARES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    min_size=1,
    max_size=40,
)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_binomial_test(gained: int, lost: int) -> None:
    changes = gained + lost
    chances = [math.comb(changes, count) / 2**changes for count in range(changes + 1)]
    seen = abs(gained - lost)
    expected = sum(c for k, c in enumerate(chances) if abs(changes - 2 * k) >= seen)
    assert mcnemar(gained, lost) == pytest.approx(expected)


@given(OUTCOMES | SHARES)
@settings(deadline=None, max_examples=40)
def test_exchanged_runs_are_the_same_turned_round(found: list[tuple[float, float]]) -> None:
    a, b = [float(one) for one, _ in found], [float(two) for _, two in found]
    there, back = compare(a, b), compare(b, a)
    assert there.p_value == pytest.approx(back.p_value)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert (there.gained, there.lost) == (back.lost, back.gained)
    assert there.difference == pytest.approx(-back.difference)
    assert there.low <= there.difference + 1e-12 and there.difference - 1e-12 <= there.high


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60))
@settings(deadline=None)
def test_the_score_bound_is_where_the_likelihood_says(gained: int, lost: int, same: int) -> None:
    """The statistic of Tango's paper, with the likelihood maximized step by step."""
    questions = gained + lost + same
    if not questions:
        return
    bound = score_bound(gained, lost, questions)
    assert -1 <= bound <= (gained - lost) / questions
    if -0.999 < bound < (gained - lost) / questions - 1e-6:
        rest = np.linspace(max(0, -bound), (1 - bound) / 2, 200_001)[1:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            chances = (
                gained * np.log(rest + bound)
                + lost * np.log(rest)
                + same * np.log(1 - 2 * rest - bound)
            )
        worse = rest[np.nanargmax(chances)]
        variance = questions * (2 * worse + bound - bound**2)
        assert (gained - lost - questions * bound) / math.sqrt(variance) == pytest.approx(
            1.645, abs=0.01
        )


def simulated(
    rng: random.Random, count: int, better: float, worse: float
) -> tuple[list[float], list[float]]:
    """Runs of which the second is better and worse at these shares of the questions."""
    a, b = [], []
    for _ in range(count):
        draw = rng.random()
        a.append(float(draw > 0.6 or better <= draw < better + worse))
        b.append(float(draw > 0.6 or draw < better))
    return a, b


def test_equal_models_are_called_different_as_seldom_as_it_says() -> None:
    rng = random.Random(1)
    found = [compare(*simulated(rng, 200, 0.1, 0.1)) for _ in range(400)]
    small = [one for one in found if one.p_value is not None and one.p_value < 0.05]
    assert len(small) < 0.08 * len(found)
    assert sum(one.low <= 0 <= one.high for one in found) > 0.91 * len(found)


def test_the_gate_lets_what_is_just_too_bad_through_as_seldom_as_it_says() -> None:
    rng = random.Random(2)
    found = [gate(*simulated(rng, 300, 0.06, 0.10), 0.04).passed for _ in range(400)]
    assert sum(found) < 0.08 * len(found)
    same = [gate(*simulated(rng, 1_000, 0.05, 0.05), 0.04).passed for _ in range(100)]
    assert sum(same) > 0.9 * len(same)


def test_few_questions_never_pass_a_small_margin() -> None:
    assert not gate([1.0] * 20, [1.0] * 20, 0.05).passed
    assert gate([1.0] * 200, [1.0] * 200, 0.05).passed
    assert not gate([0.5] * 4, [0.25, 0.5, 0.5, 0.5], 0.0).passed


def drawn(rng: random.Random, population: int, difference: float) -> list[float]:
    """Differences of a whole exam, in random order."""
    better = round(population * (0.1 + difference / 2))
    worse = round(population * (0.1 - difference / 2))
    values = [1.0] * better + [-1.0] * worse + [0.0] * (population - better - worse)
    rng.shuffle(values)
    return values


@pytest.mark.parametrize("difference", [0.0, 0.06])
def test_bounds_hold_at_every_moment(difference: float) -> None:
    rng, missed = random.Random(3), 0
    for _ in range(120):
        values = drawn(rng, 300, difference)
        truth = sum(values) / len(values)
        betting, wrong = Betting(len(values)), False
        for number, value in enumerate(values, 1):
            betting.see(value)
            if number % 10 == 0:
                low, high = betting.lower(0.025), betting.upper(0.025)
                wrong |= not low - 1e-9 <= truth <= high + 1e-9
        missed += wrong
        assert betting.lower(0.025) == pytest.approx(truth, abs=1e-9)
        assert betting.upper(0.025) == pytest.approx(truth, abs=1e-9)
    assert missed <= 0.08 * 120


def test_what_is_plain_is_clear_long_before_the_end() -> None:
    betting, values = Betting(5_000), drawn(random.Random(4), 5_000, 0.12)
    for value in values[:1_000]:
        betting.see(value)
    assert betting.lower(0.025) > 0


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 1.0]), min_size=1, max_size=40))
@settings(deadline=None, max_examples=30)
def test_bets_on_exchanged_runs_are_the_same_turned_round(values: list[float]) -> None:
    there, back = Betting(100), Betting(100)
    for value in values:
        there.see(value)
        back.see(-value)
    assert there.lower(0.05) == pytest.approx(-back.upper(0.05), abs=1e-9)
    assert -1 <= there.lower(0.05) <= there.upper(0.05) <= 1
