"""A model that goes in circles is noticed; a text that repeats itself on purpose is not."""

import pytest

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
