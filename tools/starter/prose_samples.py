"""Training samples made of prose, each a task's text and the answer to it."""

import random
import re

from assistant.prompts import Task
from tools.starter import mistakes, prose

_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z`\"'])")
MAX_CHARACTERS = 420


def polish(document: str, rng: random.Random) -> tuple[str, str] | None:
    """One to three sentences with mistakes, and as they were; some have no mistake to find."""
    clean = passage(document, rng)
    if clean is None:
        return None
    if rng.random() < mistakes.CLEAN_SHARE:
        return clean, clean
    return mistakes.spoil(clean, rng), clean


def passage(document: str, rng: random.Random) -> str | None:
    """One to three sentences in a row out of one paragraph, about a hundred tokens at most."""
    found = prose.paragraphs(document)
    if not found:
        return None
    sentences = _SENTENCE.split(rng.choice(found))
    first = rng.randrange(len(sentences))
    chosen = " ".join(sentences[first : first + rng.choice((1, 1, 2, 3))])
    return chosen if 20 <= len(chosen) <= MAX_CHARACTERS else None


def grow(document: str, rng: random.Random) -> tuple[Task, str, str] | None:
    """Continue: what follows a start. Expand: the paragraph that a first sentence begins."""
    found = prose.paragraphs(document)
    rich = [one for one in found if len(_SENTENCE.split(one)) > 1]
    if not rich:
        return None
    paragraph = rng.choice(rich)
    sentences = _SENTENCE.split(paragraph)
    if rng.random() < 0.4:
        return Task.EXPAND, sentences[0], paragraph
    if rng.random() < 0.5:
        at = rng.randrange(1, len(sentences))
        return Task.CONTINUE, " ".join(sentences[:at]), " ".join(sentences[at:])
    words = paragraph.split(" ")
    at = rng.randrange(4, max(5, len(words) - 3))
    return Task.CONTINUE, " ".join(words[:at]), " ".join(words[at:])
