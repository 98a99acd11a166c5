"""How requests are written and answers read: OpenAI's two ways, llama.cpp's and Ollama's own."""

import importlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from assistant.client.answer import Piece, Pieces, finish_of
from assistant.client.connection import Connection
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.prompts.tokenizer import well_formed

_MOST_STOPS = 4
"""OpenAI's limit; where there are more, the rest is looked for on this side alone."""
_NEWER_NAMES = {"max_tokens": "max_completion_tokens"}
"""What OpenAI's newer models call a parameter, whose older name they refuse."""
NO_PENALTY = {"repeat_penalty": 1.0}
"""Some servers punish repetition unless told otherwise, and code repeats its names all the time."""
_OPTIONAL = ("temperature", "top_p", "seed", "stop")


async def completions(
    connection: Connection,
    prompt: str,
    params: SamplingParams,
    stop: Sequence[str] = (),
    **extra: Any,
) -> Pieces:
    """What follows `prompt`, by `/v1/completions`.

    The `openai` package would make an object of each piece, which takes half of the time between
    a key and its suggestion that is not the model's.
    """
    body = {
        "prompt": well_formed(prompt),
        **_options(connection, params, stop),
        **_counted(connection),
        **extra,
    }
    async with aclosing(_lines(connection, "/completions", body)) as lines:
        async for line in lines:
            for choice in line.get("choices") or ():
                yield Piece(choice.get("text") or "", finish_of(choice.get("finish_reason")))
            if usage := line.get("usage"):
                yield Piece("", tokens=usage.get("completion_tokens"))


async def chat(
    connection: Connection,
    conversation: Conversation,
    params: SamplingParams,
    stop: Sequence[str] = (),
    **extra: Any,
) -> Pieces:
    """The assistant's next answer, by `/v1/chat/completions`."""
    messages: list[Any] = [
        {"role": message.role, "content": well_formed(message.content)}
        for message in conversation.messages
    ]
    options = _options(connection, params, stop) | _counted(connection)
    stream: Any = await _created(connection, messages, options, extra)
    async with stream:
        async for chunk in stream:
            for choice in chunk.choices:
                yield Piece(choice.delta.content or "", finish_of(choice.finish_reason))
            if chunk.usage is not None:
                yield Piece("", tokens=chunk.usage.completion_tokens)


async def infill(
    connection: Connection, request: CompletionRequest, params: SamplingParams
) -> Pieces:
    """The text between two, by llama.cpp's `/infill`, which knows the model's control tokens.

    It takes the texts apart from them, so that they stay text whatever stands in them.
    """
    body = {
        "input_prefix": well_formed(request.prefix),
        "input_suffix": well_formed(request.suffix),
        "input_extra": [
            {"filename": well_formed(piece.path), "text": well_formed(piece.text)}
            for piece in request.context
        ],
        "prompt": "",
        "n_predict": params.max_tokens,
        "cache_prompt": True,
        **_native_options(params, params.stop),
    }
    async with aclosing(_lines(connection, connection.root + "/infill", body)) as lines:
        async for line in lines:
            ending = line.get("stop_type") if line.get("stop") else None
            yield Piece(str(line.get("content") or ""), finish_of(ending))


async def generate(
    connection: Connection, prompt: str, params: SamplingParams, stop: Sequence[str], suffix: str
) -> Pieces:
    """What follows `prompt`, by Ollama's `/api/generate`.

    Without a `suffix` the prompt is taken as it stands; with one, the model's own template writes
    it, which must know how to fill in.
    """
    asked = {"suffix": well_formed(suffix)} if suffix else {"raw": True}
    options = {"num_predict": params.max_tokens, **_native_options(params, stop)}
    body = {"prompt": well_formed(prompt), "options": options, **asked}
    async with aclosing(_lines(connection, connection.root + "/api/generate", body)) as lines:
        async for line in lines:
            yield Piece(str(line.get("response") or ""), finish_of(line.get("done_reason")))


async def _created(
    connection: Connection, messages: list[Any], options: dict[str, Any], extra: Mapping[str, Any]
) -> Any:
    """The stream of a chat, asked for again without a parameter that the model doesn't take."""
    bad_request = importlib.import_module("openai").BadRequestError
    create: Any = connection.openai.chat.completions.create
    while True:
        body = {k: v for k, v in options.items() if k not in connection.not_taken}
        for name, newer in _NEWER_NAMES.items():
            if name in connection.not_taken:
                body[newer] = options[name]
        try:
            return await create(messages=messages, stream=True, extra_body=extra, **body)
        except bad_request as error:
            refused = error.param if error.param in (*_NEWER_NAMES, *_OPTIONAL) else None
            if connection.own or refused is None or refused not in body:
                raise
            connection.not_taken.add(refused)


def _counted(connection: Connection) -> dict[str, Any]:
    """Has this machine's server count an answer's tokens; others may not know how."""
    return {"stream_options": {"include_usage": True}} if connection.own else {}


def _options(connection: Connection, params: SamplingParams, stop: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "model": connection.card.name,
        "max_tokens": params.max_tokens,
        "temperature": params.temperature,
        "top_p": params.top_p,
    }
    stops = list(dict.fromkeys((*params.stop, *stop)))
    if stops:
        options["stop"] = stops if connection.own else stops[:_MOST_STOPS]
    if params.seed is not None:
        options["seed"] = params.seed
    return options


def _native_options(params: SamplingParams, stop: Sequence[str]) -> dict[str, Any]:
    """The options that llama.cpp and Ollama call alike."""
    options: dict[str, Any] = {
        "temperature": params.temperature,
        "top_p": params.top_p,
        **NO_PENALTY,
    }
    if stops := list(dict.fromkeys((*params.stop, *stop))):
        options["stop"] = stops
    if params.seed is not None:
        options["seed"] = params.seed
    return options


async def _lines(
    connection: Connection, url: str, body: dict[str, Any]
) -> AsyncGenerator[dict[str, Any], None]:
    """The objects of an answer of one JSON object on each line, bare or as server-sent events.

    `url` may be a path below OpenAI's API. Raises openai's errors, also for an error on the way.
    """
    openai = importlib.import_module("openai")
    client: Any = connection.openai
    stream = await client.post(
        url,
        cast_to=object,
        body={"model": connection.card.name, "stream": True, **body},
        stream=True,
        stream_cls=openai.AsyncStream[object],
    )
    request = stream.response.request
    async with stream:
        try:
            async for line in stream.response.aiter_lines():
                data = line.removeprefix("data:").strip()
                found = json.loads(data) if data.startswith("{") else {}
                if error := found.get("error"):
                    told = error.get("message") if isinstance(error, dict) else error
                    raise openai.APIError(str(told), request, body=error)
                yield found
        except openai.APIError:
            raise
        except Exception as error:  # those of the HTTP library, whichever openai uses
            raise openai.APIConnectionError(request=request) from error
