"""Filling in on servers that are not this machine's own: the ways there are, and which to take.

Few servers fill in by OpenAI's `suffix`: some refuse it, some ignore it, one appends it to the
answer. So the prompt is written on this side wherever the model's format is known.
"""

import importlib
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assistant.client import wire
from assistant.client.answer import Pieces, up_to, without_echo
from assistant.client.backends import Backend, Kind
from assistant.client.connection import Connection, Way
from assistant.client.failures import wants_another_way
from assistant.client.served_names import fim_format_of
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.prompts.cutting import COMPLETION_CONTEXT, Cutter
from assistant.prompts.fim import before_space, plain_context
from assistant.prompts.fim_formats import FIM_FORMATS, FimFormat
from assistant.prompts.fim_text import Spelling, render_fim_text
from assistant.prompts.reading import CONVERSATION_READS, Part, parts_read
from assistant.prompts.tasks import fill_in, fill_in_stops
from assistant.registry import NO_FIM

if TYPE_CHECKING:
    import openai

_READ_GGUF = (Kind.LLAMA_CPP, Kind.LLAMA_CPP_PYTHON, Kind.OLLAMA, Kind.LM_STUDIO)
_EXTRA: dict[Kind, dict[str, Any]] = {
    # Otherwise control tokens are left out of the text before it is searched for stop texts.
    Kind.VLLM: {"skip_special_tokens": False},
    Kind.LLAMA_CPP_PYTHON: wire.NO_PENALTY,
}
UNKNOWN_CONTEXT = 4096
"""Tokens; few servers have given a model less."""
_BYTES_PER_TOKEN = 2
"""Fewer than in any text that people write, so that a prompt fits without its tokenizer."""
_TELLING = 16
"""So many characters of a suffix are no accident at an answer's end."""
_FORMAT_TOKENS = 256
"""Room for what a format, or the wording of the task, adds to the user's text."""


@dataclass(frozen=True, slots=True)
class InText(Way):
    """The whole prompt is written here, and continued by the server."""

    kind: Kind
    fim_format: FimFormat | None

    @property
    def fills_in(self) -> bool:
        """Not without a format: that is the plain text before the cursor."""
        return self.fim_format is not None

    @property
    def reads(self) -> tuple[Part, ...]:
        """See `Way.reads`."""
        return parts_read(self.fim_format)

    def pieces(
        self, connection: Connection, request: CompletionRequest, params: SamplingParams
    ) -> Pieces:
        """See `Way.pieces`."""
        spelling = Spelling.SPACE if self.kind in _READ_GGUF else Spelling.MARK
        prompt = render_fim_text(request, self.fim_format, spelling)
        if self.kind is Kind.OLLAMA:
            # Its /v1/completions would put the prompt into the model's chat template.
            answer = wire.generate(connection, prompt.text, params, prompt.stop, suffix="")
        else:
            extra = _EXTRA.get(self.kind, {})
            answer = wire.completions(connection, prompt.text, params, prompt.stop, **extra)
        return up_to(answer, (*params.stop, *prompt.stop), drop_space=prompt.drop_space)


@dataclass(frozen=True, slots=True)
class ByServer(Way):
    """The server writes the prompt, by what it knows of the model or by OpenAI's `suffix`."""

    kind: Kind

    def pieces(
        self, connection: Connection, request: CompletionRequest, params: SamplingParams
    ) -> Pieces:
        """See `Way.pieces`."""
        asked = before_space(request)
        prompt = plain_context(asked) + asked.prefix
        if self.kind is Kind.LLAMA_CPP:
            answer = wire.infill(connection, asked, params)
        elif self.kind is Kind.OLLAMA:
            suffix = asked.suffix or "\n"  # without one, it would take the prompt for a question
            answer = wire.generate(
                connection, plain_context(asked) + asked.prefix, params, (), suffix
            )
        else:
            extra = _EXTRA.get(self.kind, {})
            if asked.suffix:
                extra = {**extra, "suffix": asked.suffix}
            answer = wire.completions(connection, prompt, params, **extra)
        # Some only append the suffix to what they made of the prefix.
        appended = (asked.suffix,) if len(asked.suffix.strip()) >= _TELLING else ()
        return up_to(answer, (*params.stop, *appended), drop_space=asked != request)


@dataclass(frozen=True, slots=True)
class InConversation(Way):
    """A chat model is told what to do, as this project's own server tells it."""

    prefill: bool = False
    """Whether the answer's first lines are given: vLLM continues them if asked to."""

    @property
    def fills_in(self) -> bool:
        """The suffix is shown, and in words."""
        return False

    @property
    def reads(self) -> tuple[Part, ...]:
        """See `Way.reads`."""
        return CONVERSATION_READS

    def pieces(
        self, connection: Connection, request: CompletionRequest, params: SamplingParams
    ) -> Pieces:
        """See `Way.pieces`."""
        asked = before_space(request)
        conversation, stops = fill_in(asked), fill_in_stops(asked)
        question, start = conversation.messages[:-1], conversation.messages[-1].content
        extra: dict[str, Any] = {}
        if self.prefill:
            extra = {"continue_final_message": True, "add_generation_prompt": False}
        else:
            conversation = Conversation(question)
        # A stop text would end an answer that begins with an empty line and then a fence.
        answer = wire.chat(connection, conversation, params, stops if self.prefill else (), **extra)
        if not self.prefill:
            answer = without_echo(answer, start)
        return up_to(answer, (*params.stop, *stops), drop_space=asked != request)


def ways_to_fill_in(backend: Backend, chosen: str | None) -> tuple[Way, ...]:
    """The ways to ask `backend`, the best first; `chosen` is the format of the settings, if any."""
    name = chosen or fim_format_of(backend.names)
    ways: list[Way] = []
    if backend.fills_in and chosen is None:
        ways.append(ByServer(backend.kind))
    if name is not None and name != NO_FIM:
        ways.append(InText(backend.kind, FIM_FORMATS[name]))
    if name is None and backend.kind in (Kind.OTHER, Kind.LLAMA_CPP_PYTHON):
        ways.append(ByServer(backend.kind))
    if backend.kind is Kind.VLLM:
        ways.append(InConversation(prefill=True))
    return (*ways, InConversation(), InText(backend.kind, None))


async def complete(
    connection: Connection, request: CompletionRequest, params: SamplingParams
) -> Pieces:
    """The text at the cursor, by the first way that the server takes, which is kept to.

    Raises openai's errors: where no way is taken, that of the first.
    """
    package = importlib.import_module("openai")
    cut = cut_to_context(request, params, connection.card.context)
    refused: openai.APIError | None = None
    for number, way in enumerate(ways := connection.ways):
        seen = False
        try:
            async with aclosing(way.pieces(connection, cut, params)) as pieces:
                async for piece in pieces:
                    if not seen:
                        seen, connection.ways = True, ways[number:]
                    yield piece
            return
        except package.APIError as error:
            if seen or not wants_another_way(error):
                raise
            refused = refused or error
    assert refused is not None
    raise refused


def cut_to_context(
    request: CompletionRequest, params: SamplingParams, context: int | None
) -> CompletionRequest:
    """As much of the text around the cursor as the model surely reads."""
    whole = min(context or UNKNOWN_CONTEXT, COMPLETION_CONTEXT)
    budget = whole - min(params.max_tokens, whole // 4) - min(_FORMAT_TOKENS, whole // 4)
    texts = (request.prefix, request.suffix, *(f"{p.path}{p.text}" for p in request.context))
    if request.size <= budget and sum(map(_most_tokens, texts)) <= budget:
        return request
    return Cutter(_most_tokens).cut(request, budget)


@lru_cache(maxsize=256)
def _most_tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)
