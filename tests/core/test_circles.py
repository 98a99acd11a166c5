"""A model that goes in circles is noticed; a text that repeats itself on purpose is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.circles import circle_start


def test_a_phrase_again_and_again_is_a_circle() -> None:
    text = "Return the item" + " in items" * 20
    start = circle_start(text)
    assert start is not None
    assert text[:start] == "Return the item in items"


def test_it_is_noticed_at_the_end_of_a_long_text() -> None:
    text = "One sentence after another, each with words of its own. " * 2 + "So it is, " * 9
    assert circle_start(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-" * 200,
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "ha ha ha ha ha",
        "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0",
        "The first line says one thing.\nThe second line says another.\n",
    ],
)
def test_what_is_meant_is_no_circle(text: str) -> None:
    assert circle_start(text) is None


@given(
    before=st.text(max_size=700),
    phrase=st.text("abcdefgh", min_size=4, max_size=120),
    more=st.integers(0, 3),
    behind=st.text(max_size=30),
)
def test_any_phrase_is_noticed_wherever_its_circle_begins_and_ends(
    before: str, phrase: str, more: int, behind: str
) -> None:
    times = max(3, -(-40 // len(phrase))) + more
    text = before + times * phrase + behind
    start = circle_start(text)
    assert start is not None
    assert start <= max(len(before), len(text) - 640) + len(phrase)  # only the end is looked at


@given(
    st.lists(st.integers(0, 10**6), unique=True, max_size=90).map(
        lambda some: " ".join(map(str, some))
    )
)
def test_words_that_differ_are_no_circle(text: str) -> None:
    assert circle_start(text) is None
