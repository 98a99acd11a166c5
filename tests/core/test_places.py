"""Places in files as they are typed on the command line."""

from pathlib import Path

import pytest

from assistant.cli.places import (
    Place,
    Span,
    cursor_offset,
    lines_of,
    parse_place,
    parse_span,
    read_text,
)
from assistant.errors import UsageError
from assistant.syntax.file_names import language_of


def test_a_place_has_a_line_and_perhaps_a_column() -> None:
    assert parse_place("a.py:3") == Place(Path("a.py"), 3, None)
    assert parse_place("a:b.py:3:7") == Place(Path("a:b.py"), 3, 7)


@pytest.mark.parametrize("argument", ["a.py", "a.py:", "a.py:0", "a.py:1:0", ":3", "a.py:x"])
def test_what_is_no_place_is_refused(argument: str) -> None:
    with pytest.raises(UsageError, match="FILE:LINE"):
        parse_place(argument)


def test_a_span_is_lines_or_the_whole_file(tmp_path: Path) -> None:
    assert parse_span("a.py") == Span(Path("a.py"), None)
    assert parse_span("a.py:2-4") == Span(Path("a.py"), (2, 4))
    assert parse_span("a.py:2") == Span(Path("a.py"), (2, 2))
    odd = tmp_path / "notes:1"
    odd.write_text("a file with a colon in its name")
    assert parse_span(str(odd)) == Span(odd, None)
    with pytest.raises(UsageError, match="FROM-TO"):
        parse_span("a.py:4-2")


def test_the_cursor_counts_characters_from_one() -> None:
    text = "é中x\r\nsecond"
    path = Path("a.py")
    assert cursor_offset(text, Place(path, 1, 3)) == 2
    assert cursor_offset(text, Place(path, 1, None)) == 3
    assert cursor_offset(text, Place(path, 2, 1)) == 5
    assert cursor_offset(text, Place(path, 2, None)) == len(text)
    with pytest.raises(UsageError, match="has 2 lines, not 3"):
        cursor_offset(text, Place(path, 3, 1))
    with pytest.raises(UsageError, match="columns go to 4"):
        cursor_offset(text, Place(path, 1, 5))


def test_lines_of_a_span() -> None:
    text = "one\ntwo\nthree\n"
    assert lines_of(text, Span(Path("a"), (2, 3))) == "two\nthree"
    assert lines_of(text, Span(Path("a"), None)) == text
    with pytest.raises(UsageError, match="has 4 lines, not 9"):
        lines_of(text, Span(Path("a"), (9, 9)))


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_text(tmp_path / "missing")
    binary = tmp_path / "binary"
    binary.write_bytes(b"ok\xff")
    with pytest.raises(UsageError, match="not UTF-8 text"):
        read_text(binary)


def test_languages_are_named_as_editors_name_them() -> None:
    assert language_of(Path("x/y.PY")) == "python"
    assert language_of(Path("Makefile")) == ""
