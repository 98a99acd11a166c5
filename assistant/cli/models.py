"""What models there are, and which of them are on this machine."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.cli.plan import plan
from assistant.cli.session import JsonOption

if TYPE_CHECKING:
    from assistant.download import Standing

app = typer.Typer(help="The models: list, plan, pull, remove.", no_args_is_help=True)


@app.command("list")
def list_models(
    here: Annotated[bool, typer.Option("--here", help="Only those on this machine.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the models by name, with their size, formats and licence."""
    rows = [row for row in _rows() if row["here"] or not here]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        _print(rows)


def _rows() -> "list[dict[str, Any]]":
    """The models on this machine that no registry knows, the starter first, then the registry's."""
    from assistant.registry import (
        download_bytes,
        installed,
        interrupted,
        load_registry,
        locate,
    )

    on_disk, begun, known = installed(), interrupted(), load_registry()
    rows: list[dict[str, Any]] = []
    for name in [name for name in on_disk if name not in known]:
        local = locate(name)
        rows.append(
            {
                "name": name,
                "kind": "folder",
                "parameters": None,
                "context": local.context,
                "chat_format": local.chat_format,
                "fim_format": local.fim_format,
                "licence": None,
                "here": on_disk[name],
                "interrupted": [],
                "download_bytes": {},
            }
        )
    for spec in known.values():
        fields = ("name", "kind", "parameters", "context", "chat_format", "fim_format", "licence")
        rows.append(
            {field: getattr(spec, field) for field in fields}
            | {"here": sorted(on_disk.get(spec.name, ()))}
            | {"interrupted": begun.get(spec.name, [])}
            | {"download_bytes": {one: download_bytes(spec, one) for one in spec.variants}}
        )
    return rows


def _print(rows: "list[dict[str, Any]]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("name", "kind", "size", "context", "fills in", "licence", "here"):
        table.add_column(heading, justify="right" if heading in ("size", "context") else "left")
    for row in rows:
        table.add_row(
            row["name"],
            row["kind"],
            _size(row["parameters"]) if row["parameters"] else "",
            str(row["context"] or ""),
            "yes" if row["fim_format"] not in (None, "none") else "",
            row["licence"] or "",
            ", ".join(row["here"]),
        )
    Console(highlight=False).print(table)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name from `assistant models list`.")],
    variant: Annotated[
        Literal["full", "gptq"] | None,
        typer.Option(help="Which weights.", show_default="as the name says, or else full"),
    ] = None,
    connections: Annotated[int, typer.Option(min=1, max=32, help="How many at once, at most.")] = 4,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each report of progress.")
    ] = False,
) -> None:
    """Fetch a model's weights; an interrupted pull goes on where it was."""
    from assistant.cli.session import Status
    from assistant.pull import pull as pull_model

    with Status() as status:

        def report(standing: "Standing") -> None:
            if as_json:
                typer.echo(json.dumps(asdict(standing)))
            else:
                status.show(str(standing))

        folder = pull_model(name, variant, report, connections=connections)
    if as_json:
        typer.echo(json.dumps({"name": name, "folder": str(folder)}))
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


app.command()(plan)


def _size(parameters: int) -> str:
    return f"{parameters / 1e9:.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:.0f}M"
