"""What models there are, and which of them are on this machine."""

import json
import sys
from typing import Annotated

import typer

from assistant.cli.session import JsonOption

app = typer.Typer(help="The models: list, pull, remove.", no_args_is_help=True)


@app.command("list")
def list_models(
    here: Annotated[bool, typer.Option("--here", help="Only those on this machine.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the models by name, with their size, formats and licence."""
    from assistant.registry import installed, load_registry

    on_disk = installed()
    specs = [spec for spec in load_registry().values() if not here or spec.name in on_disk]
    if as_json:
        rows = [
            {
                "name": spec.name,
                "kind": spec.kind,
                "parameters": spec.parameters,
                "context": spec.context,
                "chat_format": spec.chat_format,
                "fim_format": spec.fim_format,
                "licence": spec.licence,
                "here": sorted(on_disk.get(spec.name, ())),
            }
            for spec in specs
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("name", "kind", "size", "context", "fills in", "licence", "here"):
        table.add_column(heading, justify="right" if heading in ("size", "context") else "left")
    for spec in specs:
        table.add_row(
            spec.name,
            spec.kind,
            _size(spec.parameters),
            str(spec.context),
            "yes" if spec.fim_format not in (None, "none") else "",
            spec.licence,
            ", ".join(sorted(on_disk.get(spec.name, ()))),
        )
    Console(highlight=False).print(table)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name from `assistant models list`.")],
) -> None:
    """Fetch a model's weights; an interrupted pull goes on where it was."""
    from assistant.cli.session import Status
    from assistant.pull import pull as pull_model

    with Status() as status:
        folder = pull_model(name, on_progress=status.show)
    typer.echo(f"{name} is in {folder}", err=True)


@app.command()
def rm(
    name: Annotated[str, typer.Argument(help="A model on this machine.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a model's weights from this machine."""
    from assistant.pull import remove

    if not yes:
        if not sys.stdin.isatty():
            from assistant.errors import UsageError

            raise UsageError("say --yes to delete without being asked")
        typer.confirm(f"Delete the weights of {name}?", abort=True)
    freed = remove(name)
    typer.echo(f"{name}: {freed / 1e9:.1f} GB freed", err=True)


def _size(parameters: int) -> str:
    return f"{parameters / 1e9:.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:.0f}M"
