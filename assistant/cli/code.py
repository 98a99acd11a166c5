"""Commands for code: complete at a cursor, explain lines."""

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.places import (
    cursor_offset,
    language_of,
    lines_of,
    parse_place,
    parse_span,
    read_text,
)
from assistant.cli.session import JsonOption, ModelOption, stream_to_stdout, with_model

if TYPE_CHECKING:
    from assistant.cli.session import Session


def complete(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE[:COL]", help="Where the cursor is.")],
    max_lines: Annotated[int, typer.Option(min=1, help="How long it may get, in lines.")] = 6,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what belongs at a cursor. Without COL the cursor is at the line's end."""
    from assistant.messages import CompletionRequest, SamplingParams
    from assistant.suggestion import Spot

    cursor = parse_place(place)
    text = read_text(cursor.path)
    offset = cursor_offset(text, cursor)
    request = CompletionRequest(
        prefix=text[:offset],
        suffix=text[offset:],
        language=language_of(cursor.path),
        path=cursor.path.name,
    )
    spot = Spot(request.prefix.rpartition("\n")[2], request.suffix, max_lines)
    params = SamplingParams(max_tokens=32 * max_lines)

    async def work(session: "Session") -> tuple[str, str]:
        async with aclosing(session.client.stream_complete(request, params)) as pieces:
            return await spot.read(pieces, params.max_tokens), session.card.name

    (suggestion, name), seconds = with_model(work, model)
    if as_json:
        found = {"text": suggestion, "line": cursor.line, "model": name, "seconds": seconds}
        typer.echo(json.dumps(found, ensure_ascii=False))
    elif suggestion:
        typer.echo(suggestion)
    else:
        typer.echo("the model has nothing to add here", err=True)


def explain(
    span: Annotated[str, typer.Argument(metavar="FILE[:FROM-TO]", help="The lines to explain.")],
    max_tokens: Annotated[int, typer.Option(min=1, help="How long it may get, in tokens.")] = 512,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain what code does."""
    from assistant.messages import SamplingParams
    from assistant.prompts.tasks import Task, ask

    lines = parse_span(span)
    source = lines_of(read_text(lines.path), lines)
    params = SamplingParams(max_tokens=max_tokens)

    async def work(session: "Session") -> tuple[str, str]:
        question = ask(
            Task.EXPLAIN, source, wording=session.card.wording, language=language_of(lines.path)
        )
        if as_json:
            return await session.client.chat(question, params), session.card.name
        answer = await stream_to_stdout(session.client.stream_chat(question, params))
        return answer, session.card.name

    (answer, name), seconds = with_model(work, model)
    if as_json:
        found = {"text": answer.strip(), "model": name, "seconds": seconds}
        typer.echo(json.dumps(found, ensure_ascii=False))
