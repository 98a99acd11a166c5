"""What a request took, as OpenAI's API counts it."""

from collections.abc import Sequence
from typing import Any

from assistant.engine.requests import Usage


def usage_json(usages: Sequence[Usage]) -> dict[str, Any] | None:
    """The tokens of all answers to one prompt, which counts once; None when there are none."""
    if not usages:
        return None
    prompt = usages[0].prompt_tokens
    completion = sum(usage.completion_tokens for usage in usages)
    accepted = sum(usage.accepted_tokens for usage in usages)
    drafted = sum(usage.drafted_tokens for usage in usages)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        # The second answer finds what the first has computed: the first one's count is the truth.
        "prompt_tokens_details": {
            "audio_tokens": 0,
            "cached_tokens": min(usage.cached_tokens for usage in usages),
        },
        "completion_tokens_details": {
            "accepted_prediction_tokens": accepted,
            "audio_tokens": 0,
            "reasoning_tokens": 0,
            "rejected_prediction_tokens": drafted - accepted,
        },
    }
