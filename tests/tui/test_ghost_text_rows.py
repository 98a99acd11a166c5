"""The words and rows of what is suggested."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from assistant_tui.ghost_text import flowed, words

TEXT = st.text("ab ,.漢字，。é😀\t", max_size=60)


@given(TEXT)
def test_the_words_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text


def test_a_word_goes_with_its_marks_and_a_chinese_letter_is_one() -> None:
    assert list(words(" it's here, (now) ")) == [" it's", " here,", " (now)", " "]
    assert list(words("今天，hello世界。")) == ["今", "天，", "hello", "世", "界。"]


@given(TEXT, st.integers(0, 20), st.integers(2, 20))
def test_rows_hold_all_of_it_and_are_no_wider_than_there_is_room(
    text: str, room: int, width: int
) -> None:
    first, *others = rows = flowed(text, room, width, most=100)
    assert cell_len(first) <= room
    assert all(cell_len(row) <= width for row in others)
    assert "".join("".join(rows).split()) == "".join(text.split())


@given(TEXT, st.integers(0, 20), st.integers(2, 20), st.integers(1, 3))
def test_what_has_no_room_ends_in_an_ellipsis(text: str, room: int, width: int, most: int) -> None:
    rows = flowed(text, room, width, most)
    assert len(rows) <= most
    assert cell_len(rows[0]) <= room
    assert all(cell_len(row) <= width for row in rows[1:])
    whole = flowed(text, room, width, 100)
    assert rows == whole or rows[-1].endswith("…") or room == 0


def test_words_are_not_broken_where_they_fit() -> None:
    assert flowed("row by the river", 4, 10, 3) == ["row", "by the", "river"]
    assert flowed("tomorrow we go", 3, 12, 3) == ["", "tomorrow we", "go"]
    assert flowed("今天天气很好", 5, 6, 3) == ["今天", "天气很", "好"]
