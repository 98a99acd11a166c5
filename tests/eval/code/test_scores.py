"""pass@k, against what it means: the chance that one of k drawn programs passes."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant_eval.code.answers import Answer
from assistant_eval.code.scores import pass_at, score


@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_right_program(
    samples: int, data: st.DataObject
) -> None:
    passed = data.draw(st.integers(0, samples))
    tries = data.draw(st.integers(1, samples))
    programs = [number < passed for number in range(samples)]
    draws = [any(draw) for draw in combinations(programs, tries)]
    assert pass_at(tries, samples, passed) == pytest.approx(sum(draws) / len(draws))


def test_more_tries_than_programs_are_refused() -> None:
    with pytest.raises(ValueError, match="pass@10 of 5"):
        pass_at(10, 5, 1)


def test_scores_of_a_run() -> None:
    answers = [
        Answer(task, number, "", "stop", 3, "passed" if number < right else "wrong", "")
        for task, right in (("a", 0), ("b", 5), ("c", 10))
        for number in range(10)
    ]
    found = score(answers)
    assert found.passed == {"a": 0, "b": 5, "c": 10}
    assert found.kinds == {"passed": 15, "wrong": 15}
    assert set(found.pass_at) == {1, 10}
    assert found.pass_at[1].accuracy == pytest.approx(0.5)
    assert found.pass_at[1].stderr == pytest.approx(0.5 / 3**0.5)
    assert found.pass_at[10].accuracy == pytest.approx(2 / 3)
