"""Seeded mistakes: the same every time, never none, and never in code."""

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from tools.starter import mistakes

TEXT = (
    "Set the `buffer_size` to a smaller value if the machine has little memory. Their `read()` and"
    " `write()` functions do the same thing, and it doesn't matter which of them you use."
)
SEEDS = st.integers(min_value=0, max_value=10**9)


@given(SEEDS)
def test_the_same_seed_makes_the_same_mistakes(seed: int) -> None:
    assert mistakes.spoil(TEXT, random.Random(seed)) == mistakes.spoil(TEXT, random.Random(seed))


@given(SEEDS)
def test_there_is_always_a_mistake(seed: int) -> None:
    assert mistakes.spoil(TEXT, random.Random(seed)) != TEXT


@given(SEEDS)
def test_code_between_backticks_stays_as_it_is(seed: int) -> None:
    spoiled = mistakes.spoil(TEXT, random.Random(seed))
    assert re.findall("`[^`]*`", spoiled) == re.findall("`[^`]*`", TEXT)


def test_different_seeds_make_different_mistakes() -> None:
    assert len({mistakes.spoil(TEXT, random.Random(seed)) for seed in range(50)}) > 40


@given(st.text(min_size=1, max_size=80), SEEDS)
def test_any_text_can_be_spoiled(text: str, seed: int) -> None:
    spoiled = mistakes.spoil(text, random.Random(seed))
    assert spoiled == mistakes.spoil(text, random.Random(seed))
