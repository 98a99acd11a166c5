"""Two changes of a text are brought together, or refused; no line of either is ever lost."""

from hypothesis import given
from hypothesis import strategies as st

from assistant_tui.notes.merge import merged

BASE = "one\ntwo\nthree\nfour\n"
lines = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=8).map("\n".join)


def test_changes_apart_are_both_made() -> None:
    assert merged(BASE, "ONE\ntwo\nthree\nfour\n", "one\ntwo\nthree\nfour\nfive\n") == (
        "ONE\ntwo\nthree\nfour\nfive\n"
    )
    assert merged(BASE, "two\nthree\nfour\n", "one\ntwo\nthree\nFOUR\n") == "two\nthree\nFOUR\n"


def test_changes_of_one_line_and_of_neighbours_are_refused() -> None:
    assert merged(BASE, BASE.replace("two", "2"), BASE.replace("two", "zwei")) is None
    assert merged(BASE, BASE.replace("two", "2"), BASE.replace("three", "3")) is None
    assert merged(BASE, BASE + "five\n", BASE + "fünf\n") is None


def test_the_same_change_twice_is_one() -> None:
    mine = BASE.replace("two", "2")
    assert merged(BASE, mine, mine) == mine
    assert merged(BASE, mine + "five\n", mine) == mine + "five\n"


@given(lines, lines)
def test_who_changed_nothing_gets_what_the_other_wrote(base: str, theirs: str) -> None:
    assert merged(base, base, theirs) == theirs
    assert merged(base, theirs, base) == theirs


@given(lines, lines, lines)
def test_it_does_not_matter_who_is_who(base: str, mine: str, theirs: str) -> None:
    assert merged(base, mine, theirs) == merged(base, theirs, mine)


@given(lines, lines, lines)
def test_new_lines_of_both_are_there(base: str, mine: str, theirs: str) -> None:
    both = merged(base, mine + "\nMINE\n", "THEIRS\n" + theirs)
    if both is not None:
        assert "MINE" in both.split("\n")
        assert "THEIRS" in both.split("\n")
