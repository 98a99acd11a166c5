"""The editor's text is the file's, byte by byte, whatever is in it and however it is edited."""

from hypothesis import given
from hypothesis import strategies as st

from assistant_tui.notes.document import NoteDocument, newline_of
from assistant_tui.notes.markdown_tree import MarkdownTree

ODD = ["# a", "*b*", "```", "字", "e\u0301", "\x0c", "\u2028", "\r", "\n", "\r\n", " "]
texts = st.lists(st.sampled_from(ODD)).map("".join)
pure = st.sampled_from(["\n", "\r\n", "\r"])


@given(texts)
def test_what_is_opened_is_what_is_there(text: str) -> None:
    assert NoteDocument(text).text == text


@given(texts, texts, st.data())
def test_an_edit_changes_what_it_names_and_nothing_else(
    text: str, new: str, data: st.DataObject
) -> None:
    document = NoteDocument(text)
    new = new.replace("\r\n", "\n").replace("\r", "\n")  # as it is typed or pasted
    ends = document.newline
    places = [p for p in range(len(text) + 1) if document.offset(document.location(p)) == p]
    start, end = sorted((data.draw(st.sampled_from(places)), data.draw(st.sampled_from(places))))
    result = document.replace_range(document.location(start), document.location(end), new)
    assert document.text == text[:start] + new.replace("\n", ends) + text[end:]
    assert result.replaced_text == text[start:end]
    document.replace_range(document.location(start), result.end_location, result.replaced_text)
    assert document.text == text


@given(st.lists(st.sampled_from(["a", "", "字 b"]), max_size=5), pure)
def test_offsets_and_locations_are_each_others_inverse(lines: list[str], end: str) -> None:
    document = NoteDocument(end.join(lines))
    for row, line in enumerate(document.lines):
        for column in range(len(line) + 1):
            assert document.location(document.offset((row, column))) == (row, column)


def test_the_line_end_is_what_all_lines_have() -> None:
    assert newline_of("a\r\nb\r\n") == "\r\n"
    assert newline_of("a\rb\r") == "\r"
    assert newline_of("a\r\nb\n") == "\n"
    assert newline_of("a") == "\n"


@given(texts, texts, st.data())
def test_the_syntax_after_an_edit_is_that_of_the_text(
    text: str, new: str, data: st.DataObject
) -> None:
    document = NoteDocument(text.replace("\r", ""))
    rows = document.line_count
    seen = [document.tree.spans(row) for row in range(rows)]
    assert len(seen) == rows
    start, end = sorted(
        document.location(data.draw(st.integers(0, len(document.text)))) for _ in range(2)
    )
    document.replace_range(start, end, new.replace("\r", ""))
    for row in range(document.line_count):
        document.tree.spans(row)  # what is not parsed yet can be drawn all the same
    while document.tree.is_late:
        document.tree.spans(0)
    fresh = MarkdownTree(lambda: document.lines)
    for row in range(document.line_count):
        assert document.tree.spans(row) == fresh.spans(row)


def test_markdown_is_seen() -> None:
    lines = ["# Title", "", "Some **bold** and `code`.", "", "```python", "x = 1", "```"]
    tree = MarkdownTree(lambda: lines)
    assert (0, None, "heading") in tree.spans(0)
    assert (5, 13, "strong") in tree.spans(2)
    assert (18, 24, "code") in tree.spans(2)
    assert tree.spans(5) == [(0, None, "code.block")]
