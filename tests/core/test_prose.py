"""Only paragraphs may change; everything else stays byte by byte."""

from hypothesis import given
from hypothesis import strategies as st

from assistant.prose import paragraphs, rebuild

NOTE = """---
title: teh title
---

# A hedding stays

One line of prose.

Two lines that
were wrapped.

- a list item
  that goes on
- [ ] a task

> a quotation that
> goes on

```python
teh_code = 1
```

    indented code

| a | b |
|---|---|
| teh | table |

<div>teh html</div>

[link]: http://example.org "teh title"
"""

markdown = st.lists(
    st.sampled_from(
        ["# h", "word one", "- item", "  more", "> quote", "```", "    code", "", "\\", "a  ", "\t",
         "| a |", "|---|", "1. one", "***", "<b>", "---", "中文。", "a\x0bb", "\u2028", "\x00"]
    )
)  # fmt: skip
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


def shouted(text: str) -> str:
    return rebuild(text, [(p, p.text.upper()) for p in paragraphs(text)])


def test_only_prose_is_changed() -> None:
    assert [paragraph.text for paragraph in paragraphs(NOTE)] == [
        "One line of prose.",
        "Two lines that were wrapped.",
        "a list item that goes on",
        "[ ] a task",
        "a quotation that goes on",
    ]
    changed = shouted(NOTE)
    assert "TWO LINES THAT\nWERE WRAPPED.\n" in changed
    assert "- A LIST ITEM\n  THAT GOES ON\n" in changed
    assert "> A QUOTATION THAT\n> GOES ON\n" in changed
    for kept in ("teh title", "# A hedding stays", "teh_code = 1", "    indented code", "| teh |"):
        assert kept in changed


def test_line_ends_of_the_file_are_kept() -> None:
    text = "one two three four five\r\nsix seven\r\n\r\nlast\r\n"
    assert shouted(text) == text.upper()


def test_chinese_lines_are_not_joined_with_spaces() -> None:
    (paragraph,) = paragraphs("今天天气很好,\n我们去公园。\n")
    assert paragraph.text == "今天天气很好,\n我们去公园。"


def test_hard_breaks_are_kept() -> None:
    assert shouted("one  \ntwo\\\nthree\n") == "ONE  \nTWO\\\nTHREE\n"


def test_an_expansion_into_two_paragraphs_keeps_its_place_in_a_quote() -> None:
    (paragraph,) = paragraphs("> short\n")
    assert rebuild("> short\n", [(paragraph, "one\n\ntwo")]) == "> one\n>\n> two\n"


@given(markdown, line_ends)
def test_unchanged_paragraphs_leave_the_text_as_it_is(lines: list[str], end: str) -> None:
    text = end.join(lines)
    assert rebuild(text, [(p, p.text) for p in paragraphs(text)]) == text


@given(markdown, line_ends)
def test_paragraphs_are_in_order_and_do_not_overlap(lines: list[str], end: str) -> None:
    place = 0
    for paragraph in paragraphs(end.join(lines)):
        assert place <= paragraph.start < paragraph.end
        place = paragraph.end


@given(st.text())
def test_any_text_can_be_taken_apart_and_put_together(text: str) -> None:
    assert rebuild(text, [(p, p.text) for p in paragraphs(text)]) == text
