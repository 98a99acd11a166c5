"""Commands for text: polish, expand, continue. They read a file or standard input (`-`)."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.places import read_text
from assistant.cli.session import JsonOption, ModelOption, Status, with_model
from assistant.errors import UsageError

if TYPE_CHECKING:
    from assistant.cli.session import Session

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE|-", help="A text or Markdown file, or - for standard input.")
]
DiffOption = Annotated[
    bool, typer.Option("--diff", help="Show what changed, instead of the new text.")
]
WriteOption = Annotated[
    bool, typer.Option("--write", "-w", help="Change the file; the old text is kept as FILE~.")
]


def polish(
    file: FileArgument,
    diff: DiffOption = False,
    write: WriteOption = False,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Correct and smooth a text, paragraph by paragraph; code and tables stay as they are."""
    _run("POLISH", file, diff=diff, write=write, model=model, as_json=as_json)


def expand(
    file: FileArgument,
    diff: DiffOption = False,
    write: WriteOption = False,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a text out in more detail, paragraph by paragraph."""
    _run("EXPAND", file, diff=diff, write=write, model=model, as_json=as_json)


def continue_text(
    file: FileArgument,
    diff: DiffOption = False,
    write: WriteOption = False,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on writing where a text ends."""
    _run("CONTINUE", file, diff=diff, write=write, model=model, as_json=as_json)


def _run(
    task_name: str, file: Path, *, diff: bool, write: bool, model: str | None, as_json: bool
) -> None:
    from assistant.prompts.tasks import Task
    from assistant.rewriting import continued, rewritten

    task = Task[task_name]
    if write and str(file) == "-":
        raise UsageError("standard input cannot be written to: leave --write out")
    old = read_text(file)
    if not old.strip():
        raise UsageError(f"{file} holds no text")

    async def work(session: "Session") -> tuple[str, str]:
        with Status() as status:
            if task is Task.CONTINUE:
                new = await continued(old, session.client, session.card, status.show)
            else:
                new = await rewritten(task, old, session.client, session.card, status.show)
        return new, session.card.name

    (new, name), seconds = with_model(work, model)
    if write:
        _replace(file, old, new)
    if as_json:
        typer.echo(json.dumps({"text": new, "model": name, "seconds": seconds}, ensure_ascii=False))
    elif diff:
        _show_diff(file, old, new)
    elif not write:
        sys.stdout.write(new)


def _replace(file: Path, old: str, new: str) -> None:
    """Keep the old text beside the file, then change the file; neither can be lost half-way."""
    from assistant.paths import write_atomically

    if new == old:
        typer.echo(f"{file}: nothing to change", err=True)
        return
    mode = file.stat().st_mode & 0o777
    if read_text(file) != old:
        raise UsageError(f"{file} was changed meanwhile and is left as it is: run this again")
    backup = file.with_name(file.name + "~")
    write_atomically(backup, old.encode(), mode=mode)
    write_atomically(file.resolve(), new.encode(), mode=mode)
    typer.echo(f"{file}: changed; the old text is in {backup}", err=True)


def _show_diff(file: Path, old: str, new: str) -> None:
    """Words in colour on a terminal; a unified diff, which `patch` takes, elsewhere."""
    if sys.stdout.isatty():
        from assistant.cli.diffs import print_word_diff

        print_word_diff(old, new)
        return
    import difflib

    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), str(file), str(file)
    )
    for line in lines:
        sys.stdout.write(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
