"""What of a text the model is sent: stable while one types, so that its cache helps."""

from assistant.messages import CompletionRequest

SUFFIX_CHARACTERS = 4_000
"""As much behind a cursor as anybody wants to know."""
_PREFIX_CHARACTERS = 16_000
_PREFIX_PER_TOKEN, _SUFFIX_PER_TOKEN = 2.0, 0.5
"""How many characters to send for each token that the model can read: prefix and suffix together
fill it to about three quarters."""
_PREFIX_STEP = 64
"""The prefix begins at every so-manieth line: while the user types, it begins at the same place,
so that the model server finds it in its cache."""


def request_at(
    before: str, after: str, language: str, path: str, context: int | None
) -> CompletionRequest:
    """What to ask a model that reads `context` tokens, or nobody knows how many, for.

    The texts around the cursor have `\\n` as line end.
    """
    tokens = context or _PREFIX_CHARACTERS
    limit = min(_PREFIX_CHARACTERS, int(tokens * _PREFIX_PER_TOKEN))
    return CompletionRequest(
        prefix=_end_of(before, limit),
        suffix=after[: int(tokens * _SUFFIX_PER_TOKEN)],
        language=language,
        path=path,
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
