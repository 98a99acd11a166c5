"""What is left of a suggestion while somebody types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.completion.suggestions import Suggestion, Suggestions

TEXT = st.text("ab({ \n)é漢😀", max_size=12)


def shown(before: str, after: str, text: str) -> Suggestion:
    suggestion = Suggestion.at(before, after)
    suggestion.raw = suggestion.shown = text
    return suggestion


@given(TEXT, TEXT, TEXT, st.integers(0, 12))
def test_typing_a_part_leaves_an_end(before: str, text: str, after: str, size: int) -> None:
    suggestion = shown("line\n" + before, after, text)
    now = "line\n" + before + text[:size]
    typed = suggestion.typed(now, after)
    assert typed is not None and typed >= min(size, len(text))
    assert suggestion.rest(now, after) == text[typed:]


@given(TEXT, TEXT, TEXT, TEXT)
def test_what_is_shown_continues_what_stands_there(
    before: str, text: str, after: str, now: str
) -> None:
    """Whatever was typed, what is offered is the suggestion's own end behind its own begin."""
    suggestion = shown(before, after, text)
    rest = suggestion.rest(now, after)
    if rest:
        typed = text[: len(text) - len(rest)]
        assert now.endswith(before[-256:] + typed)


def test_other_text_than_the_suggested_has_no_rest() -> None:
    suggestion = shown("x = ", "\n", "first + second")
    assert suggestion.rest("x = fi", "\n") == "rst + second"
    assert suggestion.rest("x = fa", "\n") == ""
    assert suggestion.rest("y = fi", "\n") == ""
    assert suggestion.rest("x = fi", " # more\n") == ""


def test_a_bracket_that_the_editor_closed_is_not_said_twice() -> None:
    suggestion = shown("x = ", "\n", "add(1, 2)")
    assert suggestion.rest("x = add(", ")\n") == "1, 2"
    assert suggestion.rest("x = add(1", ")\n") == ", 2"


def test_what_is_still_written_agrees_with_what_was_typed_of_it() -> None:
    suggestion = Suggestion.at("x = ", "")
    assert suggestion.typed("x = ", "") == 0
    assert suggestion.typed("x = a", "") is None, "nothing is known of it yet"
    suggestion.raw = "add("
    assert suggestion.typed("x = ad", "") == 2
    assert suggestion.rest("x = ad", "") == "", "it is not ready to be shown"


def test_the_newest_that_agrees_is_found_and_the_oldest_are_forgotten() -> None:
    kept = Suggestions()
    for number in range(40):
        kept.add("file:///a", shown(f"{number} = ", "", f"{number}!"))
    assert kept.rest("file:///a", "39 = ", "") is not None
    assert kept.rest("file:///a", "0 = ", "") is None
    assert kept.rest("file:///b", "39 = ", "") is None
    kept.add("file:///a", shown("39 = ", "", "newer"))
    found = kept.rest("file:///a", "39 = n", "")
    assert found is not None and found[1] == "ewer"
    kept.forget("file:///a")
    assert kept.rest("file:///a", "39 = n", "") is None


@pytest.mark.parametrize("text", ["one\ntwo", "two"])
def test_an_accepted_text_is_known(text: str) -> None:
    kept = Suggestions()
    kept.add("file:///a", shown("", "", "one\ntwo"))
    assert kept.said("file:///a", text)
    assert kept.said("file:///a", text.replace("\n", "\r\n"))
    assert not kept.said("file:///a", "three")
