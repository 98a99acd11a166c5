"""The root command and what stands below it."""

from typing import Annotated

import typer

from assistant import __version__
from assistant.cli import (
    adapters,
    chat,
    code,
    data,
    doctor,
    evaluation,
    finetune,
    history,
    models,
    prose,
    servers,
    tui,
)

app = typer.Typer(
    name="assistant",
    help="A private code and note assistant that runs on your own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """A private code and note assistant that runs on your own machine."""


app.command(rich_help_panel="Code")(code.complete)
app.command(rich_help_panel="Code")(code.explain)
app.command(rich_help_panel="Writing")(prose.polish)
app.command(rich_help_panel="Writing")(prose.expand)
app.command("continue", rich_help_panel="Writing")(prose.continue_text)
app.command(rich_help_panel="Writing")(tui.tui)
app.command(rich_help_panel="Writing")(chat.chat)
app.command(rich_help_panel="Servers")(servers.serve)
app.command(rich_help_panel="Servers")(servers.lsp)
app.add_typer(models.app, name="models", rich_help_panel="This machine")
app.add_typer(history.app, name="history", rich_help_panel="This machine")
app.add_typer(data.app, name="data", rich_help_panel="Training")
app.command(rich_help_panel="Training")(finetune.finetune)
app.add_typer(adapters.app, name="adapters", rich_help_panel="Training")
app.add_typer(evaluation.app, name="eval", rich_help_panel="Training")
app.command(rich_help_panel="This machine")(doctor.doctor)
