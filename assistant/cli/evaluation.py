"""Examining a model as it is served."""

from typing import Annotated

import typer

from assistant.cli.answering_bar import AnsweringBar, resumable
from assistant.cli.comparing import compare
from assistant.cli.completion import completion
from assistant.cli.diagnosing import diagnose
from assistant.cli.examined import (
    AdapterOption,
    DeviceOption,
    OutputOption,
    QuantizationOption,
    examined,
    names_in,
)
from assistant.cli.harness import harness
from assistant.cli.listing import list_runs
from assistant.cli.outcomes import as_json as as_json_line
from assistant.cli.program_evaluation import code
from assistant.cli.score_table import table
from assistant.cli.session import JsonOption, ModelOption, packages_of

app = typer.Typer(help="Examine a model as it is served.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Examine a model as it is served: quantized, and with its adapter."""


@app.command()
def mmlu(
    model: ModelOption = None,
    adapter: AdapterOption = None,
    data: Annotated[
        str,
        typer.Option(
            "--data", "-d", help="A folder in the authors' layout, or a data set on the hub."
        ),
    ] = "cais/mmlu",
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            "--protocol",
            "-p",
            help="How questions are put and answers read: original, harness, old-harness, helm,"
            " instruct-eval, qlora, or all; repeatable.",
            show_default="harness",
        ),
    ] = None,
    shots: Annotated[int, typer.Option(min=0, max=5, help="Examples before each question.")] = 5,
    subjects: Annotated[
        list[str] | None,
        typer.Option(
            help="Subjects or categories, several with commas between; repeatable.",
            show_default="all",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Questions, of each subject its share.", show_default="all"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Which questions --limit takes.")] = 0,
    quantization: QuantizationOption = None,
    device: DeviceOption = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask MMLU's questions; the same command goes on with a run that was interrupted."""
    from assistant.engine.threads import wait_briefly

    wait_briefly()
    with packages_of("eval"):
        from assistant_eval.mmlu.evaluation import Choices, evaluate
        from assistant_eval.mmlu.protocols import PROTOCOLS

        names = tuple(protocol or ("harness",))
        choices = Choices(
            data=data,
            protocols=tuple(PROTOCOLS) if "all" in names else names,
            shots=shots,
            subjects=names_in(subjects or ()),
            limit=limit,
            seed=seed,
            output=None if output is None else output.expanduser(),
        )
        chosen = examined(model, adapter, quantization, device)
        with resumable(), AnsweringBar() as bar:
            outcome = evaluate(chosen, choices, bar.listener)
    typer.echo(f"the report is {outcome.report}", err=True)
    typer.echo(as_json_line(outcome, report=outcome.report) if as_json else table(outcome.scores))


app.command("list")(list_runs)
app.command()(diagnose)
app.command()(code)
app.command()(compare)
app.command()(completion)
app.command()(harness)
