"""Which words an action in prose is about, and where the answer goes."""

import pytest

from assistant import prose_places

RST = """Title
=====

First paragraph.

.. note:: keep me

:field: keep me

Code::

    keep me

Sub
~~~

Last paragraph.
"""


def words(text: str, language: str = "markdown") -> list[str]:
    return [p.text for p in prose_places.touched(text, language, 0, len(text))]


def test_headings_directives_and_code_of_restructured_text_are_no_prose() -> None:
    assert words(RST, "restructuredtext") == ["First paragraph.", "Code::", "Last paragraph."]


@pytest.mark.parametrize(
    ("offset", "found"), [(0, ["one"]), (3, ["one"]), (4, []), (5, ["two"]), (13, ["three"])]
)
def test_the_paragraph_at_the_cursor(offset: int, found: list[str]) -> None:
    text = "one\n\ntwo\n\n> three\n"
    assert [p.text for p in prose_places.touched(text, "markdown", offset, offset)] == found


def test_a_selection_touches_only_paragraphs_with_selected_words() -> None:
    text = "one\n\ntwo\n\nthree\n"
    assert [p.text for p in prose_places.touched(text, "markdown", 3, 10)] == ["two"]


@pytest.mark.parametrize(
    ("text", "offset", "answer", "result"),
    [
        ("It began\n", 2, "well.", "It began well.\n"),
        ("It began.\n\n", 11, "Then", "It began.\n\nThen"),
        ("天气\n", 1, "很好。", "天气很好。\n"),
        (
            "> one two three\n> four\n",
            3,
            "five six seven",
            "> one two three\n> four five six\n> seven\n",
        ),
        ("one two three\nfour five six\n", 3, "seven", "one two three\nfour five six\nseven\n"),
        ("one two\nabc\n", 3, "def ghi", "one two\nabc def\nghi\n"),
        ("- item\n", 3, "a\n\nb", "- item a\n\n  b\n"),
    ],
)
def test_a_continuation_is_laid_out_as_its_paragraph(
    text: str, offset: int, answer: str, result: str
) -> None:
    _, last = prose_places.before(text, "markdown", offset)
    edit = prose_places.continuation(text, last, offset, answer)
    assert edit is not None
    assert text[: edit.start] + edit.text + text[edit.end :] == result


def test_only_prose_before_the_cursor_is_continued() -> None:
    text = "---\nkey: value\n---\n# Head\n\none\n\n```\ncode\n```\n\ntwo\n\nthree\n"
    found, last = prose_places.before(text, "markdown", text.index("two") + 1)
    assert found == "one\n\ntwo"
    assert last is not None and last.text == "two"
    assert prose_places.before(text, "markdown", 0) == ("", None)
