"""The adapters on this machine."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.exporting import export
from assistant.cli.session import JsonOption

app = typer.Typer(
    help="Adapters: list, use, merge, export, roll back, remove.", no_args_is_help=True
)

app.command()(export)

Name = Annotated[str, typer.Argument(help="A name from `assistant adapters list`.")]


@app.command("list")
def list_adapters(as_json: JsonOption = False) -> None:
    """List the adapters, with the base of each; * is the one in use."""
    from assistant_finetune.adapters import in_use, installed

    used, found = in_use(), installed()
    if as_json:
        rows = [
            {
                "name": one.name,
                "base": one.base,
                "trained_on": one.quantization,
                "examples": one.examples,
                "bytes": one.nbytes,
                "in_use": one.name == used,
                "run": one.run,
                "has_former": one.has_former,
            }
            for one in found
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not found:
        typer.echo("there are no adapters: `assistant finetune` makes them", err=True)
    for one in found:
        mark = "*" if one.name == used else " "
        weights = f" in {one.quantization}" if one.quantization not in (None, "none") else ""
        typer.echo(f"{mark} {one.name:30} {one.nbytes / 1e6:8.1f} MB  on {one.base}{weights}")


@app.command()
def use(
    name: Annotated[str | None, typer.Argument(help="Its name.", show_default=False)] = None,
    none: Annotated[bool, typer.Option("--none", help="Use the base alone.")] = False,
) -> None:
    """Make an adapter, and its base, what editors and commands ask for."""
    from assistant.errors import UsageError
    from assistant_finetune.adapters import find, use_none
    from assistant_finetune.adapters import use as use_adapter

    if (name is None) != none:
        raise UsageError("name an adapter, or say --none")
    if name is None:
        use_none()
        typer.echo("the base is used alone", err=True)
        return
    adapter = find(name)
    use_adapter(adapter)
    typer.echo(f"{adapter.name} is used, on {adapter.base}", err=True)


@app.command()
def merge(
    name: Name,
    output: Annotated[Path, typer.Option("--output", "-o", help="The new model's folder.")],
    as_json: JsonOption = False,
) -> None:
    """Write base and adapter as one model in bfloat16, checked to answer as the two do."""
    from assistant.cli.session import Status, packages_of
    from assistant_finetune.adapters import find

    adapter = find(name)
    with Status() as status:
        status.show(f"merging {name} into {adapter.base}")
        with packages_of("finetune"):
            from assistant_finetune.adapters.merging import merge as merge_adapter

        merged = merge_adapter(adapter, output.expanduser())
    typer.echo(
        f"{merged.folder}: the most likely token is the same at {merged.same:.1%} of places,"
        f" probabilities are {merged.distance:.2%} apart on average",
        err=True,
    )
    if as_json:
        fields = {
            "folder": str(merged.folder),
            "same": merged.same,
            "distance": merged.distance,
        }
        typer.echo(json.dumps(fields))


@app.command()
def rollback(name: Name) -> None:
    """Bring back what an adapter was before it was trained again; once more undoes it."""
    from assistant_finetune.adapters import find, rollback

    rollback(find(name).name)
    now = find(name)
    learned = "" if now.examples is None else f", with what it learned from {now.examples} examples"
    typer.echo(f"{name} is the former one again{learned}", err=True)


@app.command()
def rm(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete an adapter, its former one, and the runs that made them with data and checkpoints."""
    from assistant.errors import UsageError
    from assistant_finetune.adapters import find, in_use, remove

    adapter = find(name)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("say --yes to delete without being asked")
        typer.confirm(f"Delete {adapter.name} and its runs?", abort=True)
    freed = remove(name, in_use())
    typer.echo(f"{name}: {freed / 1e6:.1f} MB freed", err=True)
