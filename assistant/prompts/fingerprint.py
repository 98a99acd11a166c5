"""A fingerprint of how a model is spoken to: an adapter that learned one form is wrong in another.

It is taken of what the renderer makes of fixed texts, so that it says the same for two ways of
naming one format, and differs when a template or a vocabulary was changed.
"""

import hashlib
from collections.abc import Iterable

from assistant.messages import CompletionRequest, Conversation, Message
from assistant.prompts.renderer import Renderer

_TALK = Conversation(
    (
        Message("system", "Be brief."),
        Message("user", "What is 2 + 2?"),
        Message("assistant", "4"),
        Message("user", "Sure?\n\n  é 你好"),
        Message("assistant", "def f(x):\n    return x\n"),
    )
)
_BRIEF_TALK = Conversation(_TALK.messages[1:3])
_PLACE = CompletionRequest(
    "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n", "python", "a.py"
)


def format_fingerprint(renderer: Renderer) -> str:
    """The fingerprint of a renderer: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    digest.update(_digits(renderer.tokenizer.encode_text("x = [1, 2]\n# 你好, naïve")))
    if renderer.can_chat:
        for talk in (_TALK, _BRIEF_TALK):
            trained = renderer.chat_training(talk)
            digest.update(_digits(trained.ids) + _digits(trained.labels))
    if renderer.fim_format is not None:
        digest.update(_digits(renderer.complete_training(_PLACE, "a + b").ids))
    return digest.hexdigest()[:16]


def probe_ids(renderer: Renderer) -> tuple[int, ...]:
    """The ids of a short text in the model's own form, on which two models can be compared."""
    if renderer.can_chat:
        return renderer.chat_training(_TALK).ids
    return tuple(renderer.tokenizer.encode_text(_PLACE.prefix + "a + b" + _PLACE.suffix))


def _digits(numbers: Iterable[int]) -> bytes:
    return (",".join(map(str, numbers)) + ";").encode()
