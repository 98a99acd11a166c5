"""What of a model's output is shown."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.suggestion import Spot


def shown(raw: str, line: str = "", after: str = "", *, cut: bool = False) -> str:
    return Spot(line, after, max_lines=4).suggestion(raw, cut=cut)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("return a", "return a"),
        ("return a\n", "return a"),
        ("x = 1\n    return x\n\n\ndef other():", "x = 1\n    return x"),
        ("\n\ndef f():\n    pass\n\nrest", "\n\ndef f():\n    pass"),
        ("1\n2\n3\n4\n5\n6", "1\n2\n3\n4"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("", ""),
        (" \n\t\n", ""),
    ],
)
def test_whole_lines_up_to_a_blank_one(raw: str, text: str) -> None:
    assert shown(raw) == text


def test_what_was_cut_ends_with_a_whole_line() -> None:
    assert shown("x = 1\ny = so", cut=True) == "x = 1"
    assert shown("x = so", cut=True) == "x = so", "one partial line is better than none"
    assert shown("x = 1\ny = 2\n", cut=True) == "x = 1\ny = 2"
    assert shown("1\n2\n3\n4\n5", cut=True) == "1\n2\n3\n4", "the cut came behind what is shown"


def test_one_line_where_text_stands_to_the_right() -> None:
    assert shown("a, b):\n    return a", "def f(", "):\n") == "a, b"
    assert shown("\n    x", "def f(", ")") == ""


@pytest.mark.parametrize(
    ("raw", "line", "after", "text"),
    [
        ("first + second)\n", "print(", ")\nrest\n", "first + second"),
        ("inner(x)", "outer(", ")\n", "inner(x)"),
        ("x)", "outer(inner(", ")\n", "x)"),
        ("a', 'b'", "['", "']", "a', 'b"),
        ("x;", "let y = ", ";\n", "x"),
        ("value in items:", "for ", " in items:\n", "value"),
        ("x = 1\n    return x", "    ", "\n    return x\n", "x = 1"),
        ("x = 1\n    return x", "    ", "\n\n    return x\n", "x = 1"),
        ("return x", "    ", "\n    return x\n", ""),
        ("}", "", "\n}\n", ""),
        ("a();\n}\nb();", "", "\n}\nc();\n", "a();\n}\nb();"),
        ("a();\n}\nc();", "", "\n}\nc();\n", "a();"),
        ("total = 0\nfor x in y:\n    z", "", "\nfor x in y:\n", "total = 0"),
    ],
)
def test_nothing_is_said_twice(raw: str, line: str, after: str, text: str) -> None:
    assert shown(raw, line, after) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("# the last of" + " the last of" * 9, ""),
        ("x = 1\nassert x" + " and not x == x" * 9, "x = 1"),
        ("pass\n" * 4, "pass"),
        ("# " + "-" * 60, "# " + "-" * 60),
        ("[0" + ", 0" * 30 + "]", "[0" + ", 0" * 30 + "]"),
        ("(None, None, None, None)", "(None, None, None, None)"),
    ],
)
def test_a_model_that_goes_in_circles_is_not_heard(raw: str, text: str) -> None:
    assert shown(raw) == text


def test_generation_ends_when_it_goes_in_circles() -> None:
    spot = Spot("", "", max_lines=4)
    assert spot.enough("x\nthe last of" + " the last of" * 9)
    assert not spot.enough("x\nthe last of the last")


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        ("", True),
        ("\nx", True),
        (")", True),
        (" x", True),
        ("x", False),
        ("_", False),
        ("é", False),
    ],
)
def test_no_word_is_broken_apart(after: str, wanted: bool) -> None:
    assert Spot("", after, max_lines=4).wanted is wanted


def test_generation_ends_when_enough_is_there() -> None:
    spot = Spot("", "", max_lines=2)
    assert not spot.enough("a\nb")
    assert spot.enough("a\nb\n")
    assert spot.enough("a\n  \nb")
    assert not spot.enough("\n\na"), "blank lines before the first text are part of it"
    assert Spot("f(", ")", max_lines=2).enough("a\n")


class Output:
    """An output in pieces, which says at its end how it ended."""

    def __init__(self, *pieces: str, ended: Literal["stop", "length"] | None = "stop") -> None:
        self.pieces, self.ended = list(pieces), ended
        self.finish: Literal["stop", "length"] | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        while self.pieces:
            yield self.pieces.pop(0)
        self.finish = self.ended


async def test_no_more_is_read_than_can_be_shown() -> None:
    output = Output("a\n", "b\n", "\n", "c")
    assert await Spot("", "", max_lines=4).read(output) == "a\nb"
    assert output.pieces == ["c"]


async def test_a_last_line_that_was_cut_off_is_not_shown() -> None:
    spot = Spot("", "", max_lines=4)
    assert await spot.read(Output("a = 1\n", "b = lo", ended="length")) == "a = 1"
    assert await spot.read(Output("a = 1\n", "b = lo")) == "a = 1\nb = lo"
    assert await spot.read(Output("a = lo", ended="length")) == "a = lo"


text = st.text(st.sampled_from("ab1 \n()\"'{};"), max_size=20)


@given(text, text, text, st.booleans())
def test_what_is_shown_is_a_part_of_what_was_written(
    raw: str, line: str, after: str, cut: bool
) -> None:
    spot = Spot(line.rpartition("\n")[2], after, max_lines=4)
    result = spot.suggestion(raw, cut=cut)
    assert raw.startswith(result)
    assert result == "" or result.strip()
    assert result.strip().count("\n") < 4
    assert not (spot.single_line and "\n" in result)


@given(text, text, st.integers(0, 20), st.booleans())
def test_more_output_behind_enough_changes_nothing(
    raw: str, after: str, end: int, cut: bool
) -> None:
    spot = Spot("", after, max_lines=4)
    if spot.enough(raw[:end]):
        assert spot.suggestion(raw[:end], cut=cut) == spot.suggestion(raw, cut=False)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (" we go home. Then we sleep", " we go home."),
        (" it is 3.5 metres. Long", " it is 3.5 metres."),
        (' she said "no!" And', ' she said "no!"'),
        ("。我们回家。然后", "。我们回家。"),
        ("我们说：“走吧。”然后", "我们说：“走吧。”"),
        ("1. first. 2. second", "1. first."),
        ("\n- bread. And\n- jam", "\n- bread."),
        (" with no end", " with no end"),
    ],
)
def test_prose_ends_with_its_first_sentence(raw: str, shown: str) -> None:
    spot = Spot("", "", max_lines=1, language="markdown", one_sentence=True)
    assert spot.suggestion(raw, cut=False) == shown


def test_more_than_a_sentence_need_not_be_written() -> None:
    spot = Spot("", "", max_lines=1, language="markdown", one_sentence=True)
    assert not spot.enough(" it is 3.")
    assert not spot.enough("我们回家。")
    assert spot.enough(" we go. ")
    assert spot.enough("我们回家。然")


def test_of_a_sentence_that_was_cut_the_last_word_is_left_out() -> None:
    spot = Spot("", "", max_lines=1, language="markdown", one_sentence=True)
    assert spot.suggestion(" we will go to the mou", cut=True) == " we will go to the"
    assert spot.suggestion("mou", cut=True) == "mou"
