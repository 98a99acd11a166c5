"""Commands for code: complete at a cursor, explain lines."""

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.places import (
    cursor_offset,
    lines_of,
    parse_place,
    parse_span,
    read_text,
)
from assistant.cli.session import JsonOption, ModelOption, Printed, with_model
from assistant.syntax.file_names import language_of

if TYPE_CHECKING:
    from assistant.cli.session import Session


def complete(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE[:COL]", help="Where the cursor is.")],
    max_lines: Annotated[int, typer.Option(min=1, help="How long it may get, in lines.")] = 6,
    show_context: Annotated[
        bool, typer.Option("--show-context", help="Print what the model would be sent instead.")
    ] = False,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what belongs at a cursor. Without COL the cursor is at the line's end."""
    from assistant.cli.context import with_context
    from assistant.context.sent import shown
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
        sent = with_context(request, cursor.path.resolve(), session.card)
        if show_context:
            return shown(sent), session.card.name
        async with aclosing(session.client.stream_complete(sent.request, params)) as pieces:
            return await spot.read(pieces), session.card.name

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
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain what code does."""
    from assistant.prompts.tasks import Task
    from assistant.rewriting import answer

    lines = parse_span(span)
    source = lines_of(read_text(lines.path), lines)
    printed = Printed(silent=as_json)

    async def work(session: "Session") -> tuple[str, str]:
        text = await answer(
            Task.EXPLAIN,
            source,
            session.client,
            session.card,
            language=language_of(lines.path),
            on_text=printed.show,
        )
        return text, session.card.name

    (text, name), seconds = with_model(work, model)
    printed.end()
    if as_json:
        found = {"text": text, "model": name, "seconds": seconds}
        typer.echo(json.dumps(found, ensure_ascii=False))
