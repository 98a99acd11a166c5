"""What a model repeats of the text before the cursor is left out, however its answer is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.prompts.echo import EchoFilter

START = "```python\n    total = 0\n    for x in rows:\n        tot"
NEW = "al += x\n    return total"


def filtered(start: str, answer: str, size: int = 3) -> str:
    echo = EchoFilter(start)
    cut = [answer[place : place + size] for place in range(0, len(answer), size)]
    return "".join(map(echo.push, cut)) + echo.finish()


@pytest.mark.parametrize(
    "repeated",
    [
        START,
        START.partition("\n")[2],
        START.replace("```python", "```"),
        f"Here is the rest:\n\n{START}",
        "        tot",
        "tot",
        "```\ntot",
        "",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_new_text_is_what_comes_through(repeated: str, size: int) -> None:
    assert filtered(START, repeated + NEW, size) == NEW


def test_prose_has_no_fence_to_leave_out() -> None:
    assert filtered("The cat sat", "The cat sat on the mat.") == " on the mat."
    assert filtered("The cat sat", " on the mat.") == " on the mat."
    assert filtered("Like so:\n", "```\ncode\n```") == "```\ncode\n```"


@given(st.text("`ab:\n tot", max_size=40), st.integers(1, 5))
def test_how_an_answer_is_cut_makes_no_difference(answer: str, size: int) -> None:
    assert filtered(START, answer, size) == filtered(START, answer, 1000)


def test_text_comes_through_as_soon_as_it_is_new() -> None:
    echo = EchoFilter(START)
    assert echo.push("        tot") == ""
    assert echo.push("al += x") == "al += x"
