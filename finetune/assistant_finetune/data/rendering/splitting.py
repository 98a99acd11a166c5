"""Long conversations, cut between a question and the answer before it.

Each answer is learned exactly once. A later part begins with the system text and as many of the
exchanges before it as fit into a quarter of the room: they are read, and not learned again. What
is too long by itself is named, never cut in silence.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from assistant.messages import Conversation
from assistant.prompts import Renderer
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.journal import Journal, Rejected
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.rendering.masks import chat_sample, weights_of
from assistant_finetune.data.rendering.sample import NothingToLearnError, Rendering, Sample

_CONTEXT_SHARE = 4


@dataclass(frozen=True, slots=True)
class _Exchange:
    """Messages that stay together: what the user said, and what was answered."""

    start: int
    end: int
    tokens: int


def chat_samples(chat: Chat, rendering: Rendering, journal: Journal) -> Iterator[Sample]:
    """The samples of a conversation, in order; an exchange that is too long goes to the journal.

    Raises NothingToLearnError and PromptError.
    """
    weights = weights_of(chat, rendering.learn)
    whole = chat_sample(chat, weights, rendering.renderer, rendering.learn)
    if len(whole.ids) <= rendering.max_length:
        yield whole
        return
    yield from _Splitter(chat, weights, rendering, journal).parts()


class _Splitter:
    def __init__(
        self, chat: Chat, weights: tuple[float, ...], rendering: Rendering, journal: Journal
    ) -> None:
        self._chat = chat
        self._weights = weights
        self._rendering = rendering
        self._journal = journal
        self._system, self._exchanges = _exchanges(chat.conversation, rendering.renderer)

    def parts(self) -> Iterator[Sample]:
        place = 0
        while place < len(self._exchanges):
            if not self._learns(self._exchanges[place]):
                place += 1
                continue
            first, end = self._fitting(place)
            sample = self._sample(first, place, end)
            while sample is not None and len(sample.ids) > self._rendering.max_length:
                # The parts' own lengths can differ by a few tokens from those in the whole.
                if first < place:
                    first += 1
                elif end > place + 1:
                    end -= 1
                else:
                    self._refuse(self._exchanges[place], len(sample.ids))
                    sample = None
                    break
                sample = self._sample(first, place, end)
            if sample is not None:
                yield sample
            place = end

    def _fitting(self, place: int) -> tuple[int, int]:
        """From which exchange on to read, and up to which one to learn from `place` on."""
        limit = self._rendering.max_length
        room = limit - self._system - self._exchanges[place].tokens
        first, context = place, 0
        while first > 0:
            context += self._exchanges[first - 1].tokens
            if context > min(room, limit // _CONTEXT_SHARE):
                context -= self._exchanges[first - 1].tokens
                break
            first -= 1
        room -= context
        end = place + 1
        while end < len(self._exchanges) and self._exchanges[end].tokens <= room:
            room -= self._exchanges[end].tokens
            end += 1
        return first, end

    def _sample(self, first: int, place: int, end: int) -> Sample | None:
        """Exchanges from `first` to `end`, learned from `place` on."""
        messages, weights = self._chat.conversation.messages, self._weights
        lead = len(messages) - len(self._chat.conversation.turns)
        start, stop = self._exchanges[first].start, self._exchanges[end - 1].end
        part = Chat(
            Conversation((*messages[:lead], *messages[start:stop])),
            self._part(place, end),
        )
        context = lead + self._exchanges[place].start - start if place else 0
        try:
            return chat_sample(
                part,
                (*weights[:lead], *weights[start:stop]),
                self._rendering.renderer,
                self._rendering.learn,
                context,
            )
        except NothingToLearnError:  # an empty answer in a format that has nothing to end it
            return None

    def _part(self, place: int, end: int) -> Origin:
        first, last = self._exchanges[place].start + 1, self._exchanges[end - 1].end
        return self._chat.origin.inner(f"messages {first} to {last}")

    def _learns(self, exchange: _Exchange) -> bool:
        return any(self._weights[exchange.start : exchange.end])

    def _refuse(self, exchange: _Exchange, tokens: int) -> None:
        messages = self._chat.conversation.messages[exchange.start : exchange.end]
        first, last = exchange.start + 1, exchange.end
        reason = (
            f"messages {first} to {last} have {tokens} tokens, more than the "
            f"{self._rendering.max_length} of a sample"
        )
        text = "\n\n".join(message.content for message in messages)
        self._journal.reject(
            Rejected(self._chat.origin, reason, text, "an exchange is longer than a sample")
        )


def _exchanges(conversation: Conversation, renderer: Renderer) -> tuple[int, list[_Exchange]]:
    """The tokens before the first turn, and the exchanges."""
    messages = conversation.messages
    lead = len(messages) - len(conversation.turns)
    tokens = [0] * len(messages)
    before = 0  # the format's own words belong to the message behind them
    current: int | None = None
    start = 0
    for segment, piece in renderer.chat_training_pieces(conversation):
        if segment.message is None:
            before += len(piece)
            continue
        if current is None and segment.message >= lead:
            start, before = before, 0
        current = segment.message
        tokens[current] += before + len(piece)
        before = 0
    tokens[-1] += before
    bounds = [
        index
        for index in range(lead, len(messages))
        if index == lead
        or (messages[index].role == "user" and messages[index - 1].role == "assistant")
    ]
    ends = [*bounds[1:], len(messages)]
    found = [
        _Exchange(begin, end, sum(tokens[begin:end]))
        for begin, end in zip(bounds, ends, strict=True)
    ]
    return start + sum(tokens[:lead]), found
