"""The one renderer: what is asked of a model, as the token ids it was taught to read.

Serving and training call it alike, so that what is learned and what is served cannot drift apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from assistant.messages import CompletionRequest, Conversation
from assistant.prompts.chat import render_prompt, render_training
from assistant.prompts.chat_formats import ChatFormat
from assistant.prompts.encoding import Encoded, encode, encode_each
from assistant.prompts.fim import before_space, render_fim, render_fim_training, render_plain
from assistant.prompts.fim_formats import FimFormat
from assistant.prompts.reading import CONVERSATION_READS, Part, parts_read
from assistant.prompts.segments import EOS, Segment
from assistant.prompts.tasks import fill_in, fill_in_stops
from assistant.prompts.template import render_template_prompt, render_template_training
from assistant.prompts.tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given, and how its answer ends."""

    ids: tuple[int, ...]
    end_ids: frozenset[int]
    """Control tokens that end the answer."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer, for formats that close a turn with words."""
    drop_space: bool = False
    """The answer begins with a space that belongs to the format, or that the user has typed."""


class Renderer:
    """Renders for one model: its tokenizer, its chat format and its fill-in-the-middle format."""

    def __init__(
        self,
        tokenizer: TextTokenizer,
        *,
        chat_format: ChatFormat | None = None,
        fim_format: FimFormat | None = None,
    ) -> None:
        """Without `chat_format` conversations go through the tokenizer's own template, if any."""
        self.tokenizer = tokenizer
        self.chat_format = chat_format
        self.fim_format = _readable(fim_format, tokenizer)

    @property
    def can_chat(self) -> bool:
        """Whether conversations can be rendered at all; a base model may know only text."""
        return self.chat_format is not None or self.tokenizer.template is not None

    @property
    def reads(self) -> tuple[Part, ...]:
        """What of a completion request the prompt holds, in its order."""
        if self.fim_format is None and self.can_chat:
            return CONVERSATION_READS
        return parts_read(self.fim_format)

    def chat(self, conversation: Conversation) -> Prompt:
        """The prompt for the assistant's next answer; see `assistant.prompts.chat`."""
        if self.chat_format is None:
            segments = render_template_prompt(conversation, self.tokenizer)
            return Prompt(encode(segments, self.tokenizer).ids, self._template_ends())
        fmt = self.chat_format
        segments = render_prompt(conversation, fmt)
        return Prompt(
            ids=encode(segments, self.tokenizer).ids,
            end_ids=self._ids_of(fmt.end_tokens),
            stop=fmt.stop,
            drop_space=fmt.answer.endswith(" ") and conversation.turns[-1].role == "user",
        )

    def chat_training(self, conversation: Conversation) -> Encoded:
        """Ids and labels of a whole conversation: its answers and what ends them are learned."""
        return encode(self._training_segments(conversation), self.tokenizer)

    def chat_training_pieces(
        self, conversation: Conversation
    ) -> Iterator[tuple[Segment, list[int]]]:
        """The same as `chat_training`, segment by segment, each with its ids."""
        return encode_each(self._training_segments(conversation), self.tokenizer)

    def _training_segments(self, conversation: Conversation) -> list[Segment]:
        if self.chat_format is None:
            return render_template_training(conversation, self.tokenizer)
        return render_training(conversation, self.chat_format)

    def complete(self, request: CompletionRequest) -> Prompt:
        """The prompt for the text at a cursor.

        By fill-in-the-middle where the model knows it, as a conversation where it can chat, and
        otherwise as the plain prefix.
        """
        asked = before_space(request)
        prompt = self._completion(asked)
        return replace(prompt, drop_space=asked != request)

    def _completion(self, request: CompletionRequest) -> Prompt:
        if self.fim_format is not None:
            segments = render_fim(request, self.fim_format)
            ends = self._ids_of(self.fim_format.end_tokens)
            return Prompt(encode(segments, self.tokenizer, joined=True).ids, ends)
        if self.can_chat:
            prompt = self.chat(fill_in(request))
            return replace(prompt, stop=(*prompt.stop, *fill_in_stops(request)))
        return self._text(request)

    def text(self, request: CompletionRequest) -> Prompt:
        """The prompt for what comes behind the prefix, which is all that the model is shown."""
        asked = before_space(request)
        return replace(self._text(asked), drop_space=asked != request)

    def _text(self, request: CompletionRequest) -> Prompt:
        encoded = encode(render_plain(request), self.tokenizer)
        return Prompt(encoded.ids, self._ids_of((EOS,)))

    def complete_training(self, request: CompletionRequest, middle: str) -> Encoded:
        """Ids and labels of a completion: the middle and the token that ends it are learned.

        Raises ValueError when the model has no fill-in-the-middle format.
        """
        if self.fim_format is None:
            raise ValueError("this model has no fill-in-the-middle format")
        asked = before_space(request)
        if asked != request:
            middle = " " + middle
        segments = render_fim_training(asked, middle, self.fim_format)
        return encode(segments, self.tokenizer, joined=True)

    def _ids_of(self, names: tuple[str, ...]) -> frozenset[int]:
        ids = (self.tokenizer.token_id(name) for name in names)
        return frozenset(number for number in ids if number is not None)

    def _template_ends(self) -> frozenset[int]:
        """The end-of-text token and every token that the families in use end a turn with."""
        names = (EOS, "<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>")
        return self._ids_of(names)


def _readable(fim_format: FimFormat | None, tokenizer: TextTokenizer) -> FimFormat | None:
    """The format without other files, where the vocabulary has no tokens for them."""
    if fim_format is None or fim_format.context is None:
        return fim_format
    known = all(tokenizer.token_id(name) is not None for name in fim_format.context.tokens)
    return fim_format if known else replace(fim_format, context=None)
