"""The likelihoods of continuations behind prompts, each of which is read once.

The library asks for a question's options one by one, prompt and all. Here those with the same
prompt stand behind one reading of it, and prompts that begin alike behind one of their beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from assistant_eval.encoding import Ids, shared_beginning
from assistant_eval.reading import Continued, Read, Reader

_TOKENS = 1024
"""Of prompts and continuations that are read together, unless one alone has more."""


@dataclass(frozen=True, slots=True)
class Request:
    """A continuation, not empty, behind a prompt, not empty either."""

    prompt: Ids
    continuation: Ids

    def fitted(self, context: int) -> "Request":
        """The same where the model can read so many tokens: what is too long loses its beginning.

        The last token of all is never read, as nothing is asked behind it.
        """
        lost = max(0, len(self.prompt) + len(self.continuation) - 1 - context)
        if lost < len(self.prompt):
            return Request(self.prompt[lost:], self.continuation)
        # A continuation that fills the context by itself: its first tokens are the prompt.
        whole = (*self.prompt, *self.continuation)[lost:]
        return Request(whole[:1], whole[1:])


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that are answered together, by their places among all."""

    requests: tuple[tuple[int, Request], ...]


def arranged(requests: Sequence[Request]) -> list[Batch]:
    """The requests in passes, those that begin alike together; the same for the same requests."""
    order = sorted(enumerate(requests), key=lambda one: (one[1].prompt, one[1].continuation))
    batches: list[list[tuple[int, Request]]] = []
    tokens = 0
    for prompt, group in groupby(order, key=lambda one: one[1].prompt):
        same = list(group)
        more = len(prompt) + sum(len(request.continuation) for _, request in same)
        if not batches or tokens + more > _TOKENS:
            batches.append([])
            tokens = 0
        batches[-1] += same
        tokens += more
    return [Batch(tuple(batch)) for batch in batches]


class Scorer:
    """Answers batch after batch, and keeps the beginning of the last."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._start: Read | None = None

    def answer(self, batch: Batch) -> list[Continued]:
        """In the order of the batch."""
        groups = [
            (prompt, [request.continuation for _, request in group])
            for prompt, group in groupby(batch.requests, key=lambda one: one[1].prompt)
        ]
        start = self._begin([prompt for prompt, _ in groups])
        read = self._reader.read([(start, prompt[len(start.ids) :]) for prompt, _ in groups])
        asked = [
            (text, continuations) for text, (_, continuations) in zip(read, groups, strict=True)
        ]
        return [score for found in self._reader.scores(asked) for score in found]

    def _begin(self, prompts: Sequence[Ids]) -> Read:
        """What all of these prompts begin with; what was read for the batch before may do."""
        shared = prompts[0][: shared_beginning(prompts)]
        kept = self._start
        if kept is not None and 2 * len(kept.ids) >= len(shared) and _begins(prompts, kept.ids):
            return kept
        self._start = None  # two beginnings need not be held at once
        self._start = self._reader.begin(shared)
        return self._start


def _begins(prompts: Sequence[Ids], ids: Ids) -> bool:
    """Whether each prompt goes on behind these tokens."""
    return all(len(one) > len(ids) and one[: len(ids)] == ids for one in prompts)
