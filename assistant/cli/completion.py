"""Completion in a project of the user's own."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.answering_bar import AnsweringBar, resumable
from assistant.cli.examined import (
    AdapterOption,
    DeviceOption,
    OutputOption,
    QuantizationOption,
    examined,
)
from assistant.cli.outcomes import as_json as as_json_line
from assistant.cli.session import JsonOption, ModelOption, packages_of

if TYPE_CHECKING:
    from assistant_eval.completion.evaluation import Found


def completion(
    repo: Annotated[Path, typer.Option("--repo", help="The project's folder.")],
    model: ModelOption = None,
    adapter: AdapterOption = None,
    places: Annotated[int, typer.Option(min=1, help="Places of each kind.")] = 300,
    since: Annotated[
        datetime | None,
        typer.Option(
            help="Ask only for lines that were committed later, or are not yet.",
            show_default="since the adapter was trained",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Which places --places takes.")] = 0,
    quantization: QuantizationOption = None,
    device: DeviceOption = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Complete lines and blocks of a project that the model has not learned.

    With an adapter its base is asked at the same places, and stands beside it.
    """
    from assistant.engine.threads import wait_briefly

    wait_briefly()
    with packages_of("eval"):
        from assistant_eval.completion.evaluation import Choices, evaluate

        choices = Choices(
            repo.expanduser(),
            places,
            None if since is None else since.astimezone(),
            seed,
            None if output is None else output.expanduser(),
        )
        chosen = examined(model, adapter, quantization, device)
        with resumable(), AnsweringBar() as bar:
            outcome = evaluate(chosen, choices, bar.listener)
    typer.echo(f"every place with its suggestions is in {outcome.run}", err=True)
    typer.echo(as_json_line(outcome) if as_json else table(outcome.found))


def table(found: Sequence["Found"]) -> str:
    """A line for each model and kind of place."""
    width = max([len("model"), *(len(one.model) for one in found)]) + 2
    lines = [
        f"{'model':{width}}{'place':8}{'asked':>7}{'right, %':>16}{'similar, %':>12}"
        f"{'saved, %':>10}{'ms':>8}"
    ]
    for one in found:
        figures = one.figures
        right = f"{100 * figures.right.accuracy:.1f}"
        if figures.right.stderr is not None:
            right += f" ± {100 * figures.right.stderr:.1f}"
        lines.append(
            f"{one.model:{width}}{one.kind:8}{figures.right.questions:>7,}{right:>16}"
            f"{100 * figures.similarity:>12.1f}{figures.saved:>10.1f}{figures.milliseconds:>8.1f}"
        )
    return "\n".join(lines)
