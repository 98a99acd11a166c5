"""The ends of a text's lines."""


def with_line_feeds(text: str) -> str:
    """`text` with every line end as `\\n`, as models see it."""
    if "\r" not in text:  # as mostly, and seen at once
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n")
