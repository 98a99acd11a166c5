"""A word diff holds both texts."""

from hypothesis import given
from hypothesis import strategies as st

from assistant.diff import Change, word_diff


def test_words_are_the_unit() -> None:
    stretches = [(s.change, s.text) for s in word_diff("I has teh key.", "I have the key.")]
    assert (Change.REMOVED, "has") in stretches
    assert (Change.ADDED, "have") in stretches
    assert stretches[-1] == (Change.SAME, " key.")


def test_a_han_character_is_a_word() -> None:
    stretches = word_diff("我们明天在见。", "我们明天再见。")
    assert [(s.change, s.text) for s in stretches if s.change is not Change.SAME] == [
        (Change.REMOVED, "在"),
        (Change.ADDED, "再"),
    ]


@given(st.text(), st.text())
def test_both_texts_can_be_read_from_it(old: str, new: str) -> None:
    stretches = word_diff(old, new)
    assert "".join(s.text for s in stretches if s.change is not Change.ADDED) == old
    assert "".join(s.text for s in stretches if s.change is not Change.REMOVED) == new
