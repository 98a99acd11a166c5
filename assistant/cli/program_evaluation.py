"""Examining a model by the programs that it writes."""

from typing import TYPE_CHECKING, Annotated, Literal

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
    from assistant_eval.code.evaluation import Outcome

_MEGA = 1 << 20


def code(
    model: ModelOption = None,
    adapter: AdapterOption = None,
    data: Annotated[
        str,
        typer.Option("--data", "-d", help="A file in HumanEval's form, or a data set on the hub."),
    ] = "openai/openai_humaneval",
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="For each question.")] = 1,
    temperature: Annotated[
        float, typer.Option("--temperature", "-t", min=0.0, max=10.0, help="0 is greedy.")
    ] = 0.0,
    top_p: Annotated[float, typer.Option(help="The share of likely tokens to choose from.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of each program.")] = 512,
    seed: Annotated[int, typer.Option(help="For a temperature.")] = 0,
    style: Annotated[
        Literal["text", "editor", "chat"] | None,
        typer.Option(
            help="The prompt is gone on from, completed as in an editor, or asked about.",
            show_default="text; chat for models that do nothing else",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The first so many questions.", show_default="all")
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=1, help="Processor time of a program; four times on the clock.")
    ] = 3,
    memory: Annotated[int, typer.Option(min=64, help="Of a program, in MiB.")] = 512,
    quantization: QuantizationOption = None,
    device: DeviceOption = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have programs written and tested, in a sandbox; goes on where it was interrupted."""
    from assistant.engine.threads import wait_briefly

    wait_briefly()
    with packages_of("eval"):
        from assistant_eval.code.evaluation import Choices, evaluate
        from assistant_eval.code.sandbox import Limits

        choices = Choices(
            data=data,
            samples=samples,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            seed=seed,
            style=style,
            limit=limit,
            limits=Limits(seconds, memory * _MEGA),
            output=None if output is None else output.expanduser(),
        )
        with resumable(), AnsweringBar() as bar:
            outcome = evaluate(
                examined(model, adapter, quantization, device), choices, bar.listener
            )
    typer.echo(f"the report is {outcome.report}", err=True)
    typer.echo(as_json_line(outcome, report=outcome.report) if as_json else _table(outcome))


def _table(outcome: "Outcome") -> str:
    """A line for each k, and one for what came of the programs."""
    from assistant_eval.code.report import KINDS
    from assistant_eval.page import told

    scores = outcome.scores
    lines = [f"{len(scores.passed):,} questions, per cent solved ± one standard error"]
    lines += [f"{f'pass@{tries}':12}{told(one):>12}" for tries, one in scores.pass_at.items()]
    lines.append("")
    lines += [f"{KINDS[kind]:22}{count:8,}" for kind, count in scores.kinds.items()]
    return "\n".join(lines)
