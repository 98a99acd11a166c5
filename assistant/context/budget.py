"""How much may be sent beside a file, and where nothing is."""

from collections.abc import Sequence

from assistant.prompts.reading import Part
from assistant.prompts.tasks import is_prose
from assistant.secrets import is_secret

MOST_CHARACTERS = 4_000
"""Unless the user says otherwise: about a thousand tokens, which a CPU needs seconds to read."""
_PER_TOKEN = 0.5
"""Characters for each token that the model reads: the file itself has three quarters of them."""
_UNKNOWN_TOKENS = 4096


def budget_for(tokens: int | None) -> int:
    """The characters for a model that reads so many tokens, or nobody knows how many."""
    return int((tokens or _UNKNOWN_TOKENS) * _PER_TOKEN)


def reason_against(path: str, language: str, model: str, reads: Sequence[Part]) -> str:
    """Why a completion is sent nothing beside its file, or empty."""
    if "context" not in reads:
        return f"{model} was not taught to read them"
    if is_prose(language):
        return "text that is no code is completed without them"
    return "this is a file of secrets" if is_secret(path) else ""
