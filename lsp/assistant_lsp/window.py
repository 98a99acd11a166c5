"""What of a document the model is sent: stable while one types, so that its cache helps."""

from assistant.messages import CompletionRequest
from assistant_lsp.buffer import TextBuffer, with_line_feeds
from assistant_lsp.documents import Document

_PREFIX_CHARACTERS = 16_000
_SUFFIX_CHARACTERS = 4_000
_PREFIX_PER_TOKEN, _SUFFIX_PER_TOKEN = 2.0, 0.5
"""How many characters to send for each token that the model can read: prefix and suffix together
fill it to about three quarters."""
_PREFIX_STEP = 64
"""The prefix begins at every so-manieth line: while the user types, it begins at the same place,
so that the model server finds it in its cache."""


def around(buffer: TextBuffer, offset: int) -> tuple[str, str]:
    """The text left of a place, and as much right of it as anybody wants to know.

    Lines end in `\\n`, whatever they end in in the document.
    """
    text = buffer.text
    return with_line_feeds(text[:offset]), with_line_feeds(
        text[offset : offset + _SUFFIX_CHARACTERS]
    )


def request_at(
    document: Document, before: str, after: str, context: int | None
) -> CompletionRequest:
    """What to ask a model that reads `context` tokens, or nobody knows how many, for."""
    tokens = context or _PREFIX_CHARACTERS
    limit = min(_PREFIX_CHARACTERS, int(tokens * _PREFIX_PER_TOKEN))
    return CompletionRequest(
        prefix=_end_of(before, limit),
        suffix=after[: int(tokens * _SUFFIX_PER_TOKEN)],
        language=document.language,
        path=document.path,
    )


def _end_of(prefix: str, limit: int) -> str:
    """The last `limit` characters or less, from a place that stays while one types."""
    if len(prefix) <= limit:
        return prefix
    lines = prefix[:-limit].count("\n") + 1
    skipped = -(-lines // _PREFIX_STEP) * _PREFIX_STEP
    parts = prefix.split("\n", skipped)
    end = parts[-1] if len(parts) > skipped else ""
    return end if 2 * len(end) > limit else prefix[-limit:]
