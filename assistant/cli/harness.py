"""Tasks of lm-evaluation-harness, done by a model as it is served."""

import os
from collections.abc import Sequence
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
    from assistant_eval.harness.evaluation import Result


def harness(
    tasks: Annotated[
        list[str],
        typer.Argument(
            help="Tasks and groups of lm-evaluation-harness: arc_easy, hellaswag, winogrande,"
            " truthfulqa_mc2, gsm8k and all others."
        ),
    ],
    model: ModelOption = None,
    adapter: AdapterOption = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--tasks",
            help="A folder with further tasks in the library's form, whose functions are run.",
        ),
    ] = None,
    shots: Annotated[
        int | None,
        typer.Option(min=0, help="Examples before each question.", show_default="as the task says"),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="The first so many questions of each.", show_default="all"),
    ] = None,
    quantization: QuantizationOption = None,
    device: DeviceOption = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do tasks of lm-evaluation-harness; the same command goes on with an interrupted run."""
    from assistant.engine.threads import wait_briefly

    wait_briefly()
    os.environ["TQDM_DISABLE"] = "1"  # the library has bars of its own for each task
    with packages_of("harness"):
        from assistant_eval.harness.evaluation import Choices, evaluate

        choices = Choices(
            tuple(tasks),
            folder=None if folder is None else folder.expanduser(),
            shots=shots,
            limit=limit,
            output=None if output is None else output.expanduser(),
        )
        chosen = examined(model, adapter, quantization, device)
        with resumable(), AnsweringBar() as bar:
            outcome = evaluate(chosen, choices, bar.listener)
    typer.echo(f"answers and questions are in {outcome.run}", err=True)
    typer.echo(as_json_line(outcome) if as_json else table(outcome.results))


def table(results: Sequence["Result"]) -> str:
    """A line for each figure."""
    width = max([len("task"), *(len(one.task) for one in results)]) + 2
    lines = [f"{'task':{width}}{'questions':>10}{'shots':>7}  {'measure':24}{'value':>8}"]
    for one in results:
        measure = one.metric if one.filter == "none" else f"{one.metric} ({one.filter})"
        error = "" if one.error is None else f" ± {one.error:.4f}"
        questions = "" if one.questions is None else f"{one.questions:,}"
        shots = "" if one.shots is None else str(one.shots)
        lines.append(
            f"{one.task:{width}}{questions:>10}{shots:>7}  {measure:24}{one.value:8.4f}{error}"
        )
    return "\n".join(lines)
