"""The 4-gram that stands beside the starter."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.starter.ngram import NGram

VOCABULARY = 12
TEXT = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 6, 0]
TOKENS = st.lists(st.integers(0, VOCABULARY - 1), max_size=6)


@pytest.fixture(scope="module")
def toy() -> NGram:
    return NGram.count([TEXT], VOCABULARY)


@given(TOKENS)
def test_probabilities_sum_to_one_and_none_is_zero(before: list[int]) -> None:
    likely = NGram.count([TEXT], VOCABULARY).probabilities(before)
    assert likely.sum() == pytest.approx(1)
    assert likely.min() > 0


def test_it_goes_on_as_it_has_read(toy: NGram) -> None:
    assert toy.greedy([1, 2], frozenset({5}), 9) == [3, 4, 5]
    assert toy.greedy([5, 1, 2], frozenset(), 4) == [3, 4, 5, 1]


def test_the_longest_known_context_decides(toy: NGram) -> None:
    assert toy.probabilities([2, 3]).argmax() == 4
    assert toy.probabilities([11, 2, 3]).argmax() == 4  # an unknown token before it: shorter ones


def test_unknown_contexts_fall_back_to_single_tokens(toy: NGram) -> None:
    assert np.allclose(toy.probabilities([11, 10, 9]), toy.probabilities([]))


def test_loss_is_lower_on_what_it_has_read(toy: NGram) -> None:
    assert toy.loss([TEXT]) < toy.loss([TEXT[::-1]])


def test_it_is_loaded_as_it_was_saved(toy: NGram, tmp_path: Path) -> None:
    toy.save(tmp_path / "ngram.npz")
    again = NGram.load(tmp_path / "ngram.npz")
    for before in ([], [1], [1, 2, 3], [9, 9]):
        assert (again.probabilities(before) == toy.probabilities(before)).all()
