"""Talk with the model."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.session import ModelOption, with_model

if TYPE_CHECKING:
    from assistant.cli.session import Session
    from assistant.messages import Message, SamplingParams


def chat(
    text: Annotated[str | None, typer.Argument(help="What to say; without it, a dialogue.")] = None,
    system: Annotated[str | None, typer.Option(help="How the model should behave.")] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")] = 1024,
    temperature: Annotated[float, typer.Option(min=0, max=10, help="0 is never random.")] = 0.7,
    model: ModelOption = None,
) -> None:
    """Ask something, or talk: one line a turn, Ctrl-C stops an answer, Ctrl-D ends."""
    import asyncio

    from assistant.messages import Message, SamplingParams

    params = SamplingParams(max_tokens=max_tokens, temperature=temperature)
    messages = [Message("system", system)] if system else []

    async def work(session: "Session") -> None:
        if text is not None:
            await _answer(session, [*messages, Message("user", text)], params)
            return
        while (line := await asyncio.to_thread(_read_line)) is not None:
            if line.strip():
                messages.append(Message("user", line))
                answer = await _answer(session, messages, params)
                messages.append(Message("assistant", answer))

    with_model(work, model)


async def _answer(session: "Session", messages: "list[Message]", params: "SamplingParams") -> str:
    """Stream one answer. Ctrl-C ends the answer alone, and what came so far is kept."""
    import asyncio
    import signal

    from assistant.messages import Conversation

    pieces: list[str] = []

    async def stream() -> None:
        async for piece in session.client.stream_chat(Conversation(tuple(messages)), params):
            pieces.append(piece)
            print(piece, end="", flush=True)

    task = asyncio.ensure_future(stream())
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        print(" [stopped]", end="", file=sys.stderr)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    print()
    return "".join(pieces)


def _read_line() -> str | None:
    """The user's next line, or None at the end of input."""
    try:
        return input("> " if sys.stdin.isatty() else "")
    except EOFError:
        return None
