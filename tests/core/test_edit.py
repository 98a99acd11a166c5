"""Edits of one text are made together, and know what of them changes nothing."""

from hypothesis import given
from hypothesis import strategies as st

from assistant.edit import Edit, edited, narrowed

texts = st.text(alphabet="ab\n字", max_size=12)


def test_edits_are_made_where_they_meant_it() -> None:
    assert edited("one two three", [Edit(8, 13, "3"), Edit(0, 3, "1")]) == "1 two 3"
    assert edited("same", []) == "same"


@given(texts, texts)
def test_a_narrowed_edit_does_the_same_and_leaves_equal_ends_alone(old: str, new: str) -> None:
    edit = narrowed(Edit(0, len(old), new), old)
    assert edited(old, [edit]) == new
    removed = old[edit.start : edit.end]
    assert not removed or not edit.text or removed[0] != edit.text[0]
    assert not removed or not edit.text or removed[-1] != edit.text[-1]
