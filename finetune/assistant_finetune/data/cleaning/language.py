"""In which language an example is written, by its prose."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from assistant.errors import UsageError
from assistant_finetune.data.examples import Asked, Chat, Document, Example, Hole

UNKNOWN = "unknown"
"""Too little prose to say."""
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.S)
_LETTERS = re.compile(r"[^\W\d_]")
_FEWEST = 12
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Each says as much as several letters."""
_SURE = 0.5
_MOST = 4000
"""Characters that are looked at."""


def language_of_example(example: Example) -> str:
    """A code of two letters, such as `en`, or `UNKNOWN`."""
    match example:
        case Chat():
            prose = "\n".join(message.content for message in example.conversation.turns)
        case Asked():
            prose = example.text
        case Document():
            prose = "" if example.language else example.text
        case Hole():
            prose = ""
    return language_of_text(prose)


def language_of_text(text: str) -> str:
    """The language of prose; blocks of code in it do not count."""
    prose = _CODE.sub(" ", text[: 4 * _MOST])[:_MOST]
    letters = len(_LETTERS.findall(prose)) + 3 * len(_IDEOGRAPHS.findall(prose))
    if letters < _FEWEST:
        return UNKNOWN
    language, sureness = _identifier().classify(prose)
    return str(language) if sureness >= _SURE else UNKNOWN


def check_languages(codes: Iterable[str]) -> None:
    """Raises UsageError for a code that no language has."""
    known = {str(label) for label in _identifier().labels}
    if unknown := sorted(set(codes) - known):
        raise UsageError(
            f"there is no language {', '.join(unknown)}: name it by its code, such as en, de or zh"
        )


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
