"""Commands that stay: the model server and the language server."""

from typing import Annotated

import typer

from assistant.cli.session import ModelOption, packages_of


def serve(
    model: ModelOption = None,
    adapter: Annotated[str | None, typer.Option(help="The folder of a LoRA adapter.")] = None,
    quantization: Annotated[
        str | None,
        typer.Option(help="none, int4 (4 bits on a CPU), or nf4.", show_default="from settings"),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, mps.", show_default="from settings")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    idle_minutes: Annotated[
        float,
        typer.Option(min=0, help="Free the model's memory when idle for so long; 0: never."),
    ] = 0,
    grace_seconds: Annotated[
        float, typer.Option(min=0, help="How long running answers may go on when it is ended.")
    ] = 1.0,
) -> None:
    """Serve models on this machine, with OpenAI's API. Front ends start it by themselves."""
    from pydantic import ValidationError

    from assistant.config import Settings, load_settings
    from assistant.errors import UsageError

    chosen = {"model": model, "adapter": adapter, "quantization": quantization, "device": device}
    changes = {name: value for name, value in chosen.items() if value is not None}
    try:
        settings = Settings.model_validate(load_settings().model_dump() | changes)
    except ValidationError as error:
        raise UsageError("; ".join(problem["msg"] for problem in error.errors())) from error
    with packages_of("server"):
        from assistant.server.run import serve as run_server
    run_server(
        settings,
        port=port,
        idle_minutes=idle_minutes or None,
        grace_seconds=grace_seconds,
        announce=lambda line: typer.echo(line, err=True),
    )


def lsp() -> None:
    """Run the language server on standard input and output; your editor starts it."""
    with packages_of("lsp"):
        from assistant_lsp.server import main as run_language_server
    run_language_server()
