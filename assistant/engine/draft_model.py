"""Guessing the next tokens with a small model that has the same vocabulary.

See `drafting` for what a guess is and why it never changes an answer (Leviathan et al. 2023, arXiv
2211.17192). A text that repeats itself is guessed by look-up, which costs nothing; the small model
is asked where look-up has nothing to say.
"""

from collections.abc import Sequence

from transformers import DynamicCache

from assistant.engine.drafting import LookUp
from assistant.engine.kv_cache import GrowingCache
from assistant.engine.load import LoadedModel
from assistant.engine.parts import Part
from assistant.engine.runner import Runner, make_runner
from assistant.errors import UsageError

_FIRST, _MOST = 3, 8
_CHUNK = 512
"""Tokens of a prompt that the small model reads in one pass."""


class DraftModel:
    """A small model that guesses for a large one."""

    def __init__(self, small: LoadedModel, large: LoadedModel) -> None:
        """Raises UsageError when the two do not have the same vocabulary."""
        names = [one.renderer.tokenizer.fast.get_vocab() for one in (small, large)]
        if names[0] != names[1]:
            raise UsageError(
                f"{small.name} cannot guess for {large.name}: it has another vocabulary; choose a"
                " draft_model of the same family"
            )
        self._runner = make_runner(small.model)
        self._context = small.context
        self.nbytes = small.description.memory_bytes

    def drafter(self) -> "Guesses":
        """Guesses for one text."""
        return Guesses(self._runner, self._context)


class Guesses:
    """Guesses for one text, by look-up where that has any, and by the small model otherwise."""

    def __init__(self, runner: Runner, context: int) -> None:
        """`context` is how many tokens the small model reads."""
        self._runner = runner
        self._context = context
        self._cache: DynamicCache = runner.new_cache()
        self._read: list[int] = []
        """What the cache holds."""
        self._look_up = LookUp()
        self._length = _FIRST
        self._looked_up = False

    def guess(self, ids: Sequence[int], most: int) -> list[int]:
        """See `LookUp.guess`."""
        found = self._look_up.guess(ids, most)
        self._looked_up = bool(found)
        most = min(most, self._length, self._context - len(ids))
        if found or most < 1:
            return found
        self._forget_what_differs(ids)
        text = list(ids)
        while len(text) < len(ids) + most:
            text.append(self._next(text))
        return text[len(ids) :]

    def learn_outcome(self, guessed: int, right: int) -> None:
        """See `LookUp.learn_outcome`."""
        self._look_up.learn_outcome(guessed if self._looked_up else 0, right)
        if not guessed or self._looked_up:
            return
        if right == guessed:
            self._length = min(_MOST, self._length + 1)
        elif right < guessed // 2:
            self._length = max(1, self._length - 1)

    def _next(self, text: Sequence[int]) -> int:
        """The likeliest token behind `text`."""
        rest = text[len(self._read) :]
        while len(rest) > _CHUNK:
            self._runner.forward([Part(rest[:_CHUNK], self._cache, 0)])
            rest = rest[_CHUNK:]
        (logits,) = self._runner.forward([Part(rest, self._cache, 1)])
        self._read = list(text)
        return int(logits[-1].argmax())

    def _forget_what_differs(self, ids: Sequence[int]) -> None:
        """Cut the cache to what it has in common with the text; a token is left to be read."""
        if not isinstance(self._cache, GrowingCache):
            self._cache, self._read = self._runner.new_cache(), []
            return
        shared = 0
        for ours, theirs in zip(self._read, ids[:-1], strict=False):
            if ours != theirs:
                break
            shared += 1
        self._cache.hold(shared)
        del self._read[shared:]
