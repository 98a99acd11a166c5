"""What was suggested, what became of it, and what was said: to see, take away and delete."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.cli.session import JsonOption

if TYPE_CHECKING:
    from datetime import datetime

    from assistant.history import Chats, Choice, Fate, History, Suggestion

Kept = Literal["suggestion", "conversation"]

app = typer.Typer(
    help="Suggestions, what became of them, and conversations: list, chats, show, export, delete.",
    no_args_is_help=True,
)

SinceOption = Annotated[
    str | None, typer.Option(metavar="WHEN", help="Since a date, or such as 30m, 12h, 7d, 4w ago.")
]
OutcomeOption = Annotated[
    str | None,
    typer.Option(help="shown, accepted, accepted_part, typed, rejected or undone."),
]
LanguageOption = Annotated[str | None, typer.Option(help="The editor's name of the language.")]
PathOption = Annotated[
    Path | None, typer.Option(help="A file, or a folder and everything below it.")
]
ShortId = Annotated[str, typer.Argument(metavar="ID", help="An id, or enough of its begin.")]


@app.command("list")
def list_suggestions(
    since: SinceOption = None,
    outcome: OutcomeOption = None,
    language: LanguageOption = None,
    path: PathOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """List suggestions, the newest first."""
    from assistant.history.export import as_fields

    with _history() as history:
        found = history.find(_choice(since, outcome, language, path), limit=limit)
    if as_json:
        rows = [as_fields(suggestion) for suggestion in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif found:
        _print(found)
    else:
        typer.echo("no such suggestion is recorded", err=True)


@app.command()
def chats(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORD]...", help="Only those that hold them all.")
    ] = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """List conversations, the newest first."""
    from assistant.cli.chats import listed
    from assistant.history import ChatChoice

    when = _moment(since) if since is not None else None
    with _chats() as kept:
        listed(kept, ChatChoice(words=tuple(words or ()), since=when), limit, as_json=as_json)


@app.command()
def show(key: ShortId, as_json: JsonOption = False) -> None:
    """Show all that is known of one suggestion, or all that was said in a conversation."""
    from assistant.cli.chats import shown
    from assistant.history import Choice
    from assistant.history.export import as_fields

    with _history() as history, _chats() as kept:
        what, whole = _whole_id(history, kept, key)
        if what == "conversation":
            shown(kept, whole, as_json=as_json)
            return
        (found,) = history.find(Choice(ids=(whole,)))
    if as_json:
        typer.echo(json.dumps(as_fields(found), ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(_described(found)))


@app.command()
def export(
    since: SinceOption = None,
    outcome: OutcomeOption = None,
    language: LanguageOption = None,
    path: PathOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, instead of standard output.")
    ] = None,
    as_chats: Annotated[
        bool, typer.Option("--chats", help="Conversations instead, in ShareGPT's form.")
    ] = False,
) -> None:
    """Print suggestions as JSON, one to a line, the oldest first."""
    from assistant.errors import UsageError
    from assistant.history import ChatChoice, chat_export
    from assistant.history.export import lines, write

    if as_chats and (outcome or language):
        raise UsageError("conversations have no outcome and no language: leave these out")
    with _history() as history, _chats() as kept:
        choice = _choice(since, outcome, language, path)
        if as_chats:
            chosen = chat_export.lines(
                kept.export(ChatChoice(path=choice.path, since=choice.since))
            )
        else:
            chosen = lines(history.export(choice))
        if output is None:
            for line in chosen:
                typer.echo(line, nl=False)
            return
        try:
            written = write(chosen, output)
        except OSError as error:
            raise UsageError(f"{output}: {error.strerror}: name another file") from error
    typer.echo(
        f"{_counted(written, 'conversation' if as_chats else 'suggestion')} in {output}", err=True
    )


@app.command()
def delete(
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids, or enough of their begin.")
    ] = None,
    path: PathOption = None,
    before: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Before a date, or such as 30d or 4w ago.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete suggestions and conversations for good; they must fit all that is given.

    A conversation fits a --path when something of it was attached.
    """
    from assistant.errors import UsageError
    from assistant.history import ChatChoice, Choice

    if everything == bool(keys or path or before):
        raise UsageError("say what to delete: ids, --path, --before, or else --all")
    if not yes and not sys.stdin.isatty():
        raise UsageError("say --yes to delete without being asked")
    with _history() as history, _chats() as kept:
        found = [_whole_id(history, kept, key) for key in keys or ()]
        suggestions = tuple(whole for what, whole in found if what == "suggestion")
        chats = tuple(whole for what, whole in found if what == "conversation")
        place, when = _absolute(path), _moment(before) if before is not None else None
        choice = Choice(ids=suggestions, path=place, before=when)
        chat_choice = ChatChoice(ids=chats, path=place, before=when)
        counts = (
            history.count(choice) if suggestions or not keys else 0,
            kept.count(chat_choice) if chats or not keys else 0,
        )
        if any(counts) and not yes:
            typer.confirm(f"Delete {_both(*counts)} for good?", abort=True, err=True)
        deleted = (
            history.delete(choice) if counts[0] else 0,
            kept.delete(chat_choice) if counts[1] else 0,
        )
    typer.echo(f"{_both(*deleted)} deleted", err=True)


@contextmanager
def _history() -> "Iterator[History]":
    from assistant.history import History

    history = History()
    try:
        yield history
    finally:
        history.close()


@contextmanager
def _chats() -> "Iterator[Chats]":
    from assistant.history import Chats

    chats = Chats()
    try:
        yield chats
    finally:
        chats.close()


def _choice(
    since: str | None, outcome: str | None, language: str | None, path: Path | None
) -> "Choice":
    from assistant.errors import UsageError
    from assistant.history import OUTCOMES, Choice

    known = next((one for one in OUTCOMES if one == outcome), None)
    if outcome is not None and known is None:
        raise UsageError(f"there is no outcome {outcome}: use one of {', '.join(OUTCOMES)}")
    when = _moment(since) if since is not None else None
    return Choice(path=_absolute(path), since=when, outcome=known, language=language)


def _absolute(path: Path | None) -> Path | None:
    import os

    return None if path is None else Path(os.path.abspath(path.expanduser()))


def _moment(text: str) -> "datetime":
    """A date, a time or a span of time before now. Raises UsageError."""
    import re
    from datetime import datetime, timedelta

    from assistant.errors import UsageError

    units = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    try:
        if found := re.fullmatch(r"(\d+)([mhdw])", text):
            return datetime.now().astimezone() - timedelta(**{units[found[2]]: int(found[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text} is no time: say it like 2026-11-24, 2026-11-24T18:00, 12h or 7d"
        ) from error


def _whole_id(history: "History", chats: "Chats", key: str) -> tuple[Kept, str]:
    """Of what the id is that begins so, and all of it.

    Raises UsageError where there is none, or more than one.
    """
    from assistant.errors import UsageError

    found: list[tuple[Kept, str]] = []
    if key:
        found += [("suggestion", one) for one in history.matching(key)]
        found += [("conversation", one) for one in chats.matching(key)]
    if len(found) == 1:
        return found[0]
    if count := len(found):
        raise UsageError(f"{count} ids begin with {key}: give more of it")
    raise UsageError(
        f"nothing has the id {key}: `assistant history list` shows suggestions, and"
        " `assistant history chats` conversations"
    )


def _print(found: "list[Suggestion]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("id", "time", "file", "outcome"):
        table.add_column(heading, no_wrap=True)
    table.add_column("text", no_wrap=True, overflow="ellipsis")
    for suggestion in found:
        name = Path(suggestion.path).name or f"({suggestion.language or suggestion.kind})"
        cells = (
            suggestion.id[:8],
            f"{suggestion.time.astimezone():%m-%d %H:%M}",
            name if len(name) <= 24 else name[:23] + "…",
            suggestion.fate.outcome,
            suggestion.text.strip().partition("\n")[0],
        )
        table.add_row(*(Text(cell) for cell in cells))
    Console(highlight=False).print(table)


def _described(suggestion: "Suggestion") -> Iterator[str]:
    fate = suggestion.fate
    adapter = f", adapter {suggestion.adapter}" if suggestion.adapter else ""
    yield f"id       {suggestion.id}"
    yield f"time     {suggestion.time.astimezone():%Y-%m-%d %H:%M:%S}"
    yield f"file     {suggestion.path or '(none)'}"
    yield f"language {suggestion.language or '(none)'}"
    yield f"model    {suggestion.model}{adapter}"
    yield f"kind     {suggestion.kind}"
    yield f"outcome  {fate.outcome}{_taken(suggestion)}"
    yield f"kept     {_kept(fate)}"
    before = suggestion.prefix.rstrip("\n").split("\n")[-10:]
    yield from ("", "--- before it, at most ten lines", *before)
    yield from ("--- suggested", suggestion.text)
    if fate.replaced_by is not None:
        heading = "written instead" if fate.similarity is None else "what you made of it"
        yield from (f"--- {heading}", fate.replaced_by)


def _taken(suggestion: "Suggestion") -> str:
    count = suggestion.fate.accepted_characters
    return f", {count} of {len(suggestion.text)} characters" if count else ""


def _kept(fate: "Fate") -> str:
    if fate.similarity is None:
        return "not known"
    return "unchanged" if fate.kept else f"{fate.similarity:.0%} alike"


def _both(suggestions: int, chats: int) -> str:
    said = _counted(suggestions, "suggestion")
    return f"{said} and {_counted(chats, 'conversation')}" if chats else said


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
