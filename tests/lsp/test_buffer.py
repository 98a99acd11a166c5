"""The document's buffer against a reference that does everything the slow and simple way."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from assistant.edit import Edit
from assistant_lsp.buffer import TextBuffer, changed

ENCODINGS = ("utf-8", "utf-16", "utf-32")
LETTERS = ["a", "b", " ", "\n", "\r", "\r\n", "é", "漢", "😀", "\u2028", "\x85", "\f", "\v", "\0"]
texts = st.lists(st.sampled_from(LETTERS), max_size=12).map("".join)
places = st.tuples(st.integers(0, 8), st.integers(0, 12))
encodings = st.sampled_from(ENCODINGS)


def units(character: str, encoding: str) -> int:
    """How long one character is."""
    codec, size = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[
        encoding
    ]
    return len(character.encode(codec)) // size


def slow_offset(text: str, line: int, character: int, encoding: str) -> int:
    """An offset as the protocol defines it, character by character."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    if line >= len(starts):
        return len(text)
    offset, passed = starts[line], 0
    while offset < len(text) and text[offset] not in "\r\n":
        passed += units(text[offset], encoding)
        if passed > character:
            break
        offset += 1
    return offset


@given(texts, places, encodings)
def test_offsets_agree_with_the_reference(text: str, place: tuple[int, int], encoding: str) -> None:
    buffer = TextBuffer.of(text, encoding)
    assert buffer.text == text
    assert buffer.offset(types.Position(*place)) == slow_offset(text, *place, encoding)


@given(texts, places, encodings)
def test_a_position_fits_when_it_comes_back_from_its_offset(
    text: str, place: tuple[int, int], encoding: str
) -> None:
    buffer = TextBuffer.of(text, encoding)
    position = types.Position(*place)
    back = buffer.position(buffer.offset(position))
    assert buffer.fits(back)
    if back == position:
        assert buffer.fits(position)
    elif buffer.fits(position):
        assert back.line == position.line and back.character < position.character, (
            "only inside a character is a place that fits another one"
        )


@given(texts, encodings, st.lists(st.tuples(places, places, texts), max_size=5))
def test_edits_agree_with_the_reference(
    text: str,
    encoding: str,
    edits: list[tuple[tuple[int, int], tuple[int, int], str]],
) -> None:
    buffer = TextBuffer.of(text, encoding)
    for start, end, new in edits:
        ends = sorted((slow_offset(text, *start, encoding), slow_offset(text, *end, encoding)))
        text = text[: ends[0]] + new + text[ends[1] :]
        span = types.Range(types.Position(*start), types.Position(*end))
        buffer, _ = changed(buffer, [types.TextDocumentContentChangePartial(span, new)])
        assert buffer == TextBuffer.of(text, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_inside_a_character_is_before_it(encoding: str) -> None:
    buffer = TextBuffer.of("😀x", encoding)
    inside = {"utf-8": [1, 2, 3], "utf-16": [1], "utf-32": []}[encoding]
    assert [buffer.offset(types.Position(0, character)) for character in inside] == [0] * len(
        inside
    )


def test_only_the_protocols_line_ends_end_lines() -> None:
    buffer = TextBuffer.of("a\u2028b\x85c\fd\ve\x1cf\rg\r\nh\n", "utf-16")
    assert len(buffer.lines) == 4
    assert buffer.offset(types.Position(1, 1)) == len("a\u2028b\x85c\fd\ve\x1cf\rg")


@pytest.mark.parametrize(
    ("text", "line_end"), [("a\r\nb\n", "\r\n"), ("a\nb", "\n"), ("a\rb", "\r"), ("", "\n")]
)
def test_the_line_end_of_a_text_is_its_first(text: str, line_end: str) -> None:
    assert TextBuffer.of(text, "utf-16").line_end == line_end


def test_half_a_surrogate_pair_becomes_a_character_that_can_be_sent() -> None:
    buffer = TextBuffer.of("a\ud83d", "utf-16")
    assert buffer.text == "a\ufffd"
    start = types.Position(0, 0)
    half = types.TextDocumentContentChangePartial(types.Range(start, start), "\udc00")
    assert changed(buffer, [half])[0].text == "\ufffda\ufffd"


def test_changes_of_one_notification_build_on_one_another() -> None:
    buffer = TextBuffer.of("one", "utf-16")
    there = types.Range(types.Position(0, 3), types.Position(0, 3))
    changes: list[types.TextDocumentContentChangeEvent] = [
        types.TextDocumentContentChangeWholeDocument("two"),
        types.TextDocumentContentChangePartial(there, " three"),
    ]
    assert changed(buffer, changes)[0].text == "two three"


@given(texts, texts, texts, texts, st.booleans())
def test_of_a_text_that_is_sent_anew_only_what_changed_is_an_edit(
    before: str, old: str, new: str, after: str, whole: bool
) -> None:
    much = "漢 and much more\n" * 400
    text, wanted = much + before + old + after + much, much + before + new + after + much
    buffer = TextBuffer.of(text, "utf-16")
    everything = buffer.span(0, len(text))
    change: types.TextDocumentContentChangeEvent = (
        types.TextDocumentContentChangeWholeDocument(wanted)
        if whole
        else types.TextDocumentContentChangePartial(everything, wanted)
    )
    changed_buffer, (edit,) = changed(buffer, [change])
    assert changed_buffer == TextBuffer.of(wanted, "utf-16")
    assert text[: edit.start] + edit.text + text[edit.end :] == wanted
    assert len(edit.text) <= len(new) and edit.end - edit.start <= len(old)


def test_a_small_edit_is_given_as_it_came() -> None:
    """A name that replaces itself is a choice of the user's."""
    span = types.Range(types.Position(0, 0), types.Position(0, 2))
    change = types.TextDocumentContentChangePartial(span, "math")
    assert changed(TextBuffer.of("ma", "utf-16"), [change])[1] == [Edit(0, 2, "math")]
