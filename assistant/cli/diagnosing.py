"""Why a score is what it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.diagnosis_table import as_json as diagnosis_as_json
from assistant.cli.diagnosis_table import table
from assistant.cli.examined import AdapterOption, DeviceOption, QuantizationOption, examined
from assistant.cli.session import JsonOption, ModelOption, Status, packages_of

if TYPE_CHECKING:
    from assistant.model_specs import ModelSpec
    from assistant_eval.diagnosis.claims import Claim


def diagnose(
    model: ModelOption = None,
    adapter: AdapterOption = None,
    expect: Annotated[
        str | None,
        typer.Option(
            help="What the model should be, by a name of `assistant models list`.",
            show_default="the model's own name",
        ),
    ] = None,
    claimed: Annotated[
        float | None,
        typer.Option(help="A score of MMLU, in per cent: what could have produced it?"),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            help="The score's results file of lm-evaluation-harness, or a run's folder of ours."
        ),
    ] = None,
    data: Annotated[
        str,
        typer.Option(
            "--data", "-d", help="MMLU: a folder in the authors' layout, or a data set on the hub."
        ),
    ] = "cais/mmlu",
    limit: Annotated[int, typer.Option(min=16, help="Questions that a score is taken from.")] = 300,
    wikitext: Annotated[
        Path | None,
        typer.Option(help="WikiText-2's wiki.test.raw, for the published perplexities."),
    ] = None,
    quantization: QuantizationOption = None,
    device: DeviceOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file that all of it is kept in, too, as JSON."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find out why a score looks wrong: the model's files, its kernels, or how it was measured."""
    from assistant.engine.threads import wait_briefly

    wait_briefly()
    with packages_of("eval"):
        from assistant_eval.diagnosis.case import Case
        from assistant_eval.diagnosis.diagnosing import diagnose as run
        from assistant_eval.mmlu.evaluation import Choices, read_exam

        chosen = examined(model, adapter, quantization, device)
        claim = _claim(claimed, results)
        with Status() as status:
            case = Case(
                chosen,
                spec=_spec(expect, chosen.local.name),
                claim=claim,
                ask=lambda: read_exam(Choices(data=data)),
                limit=limit,
                wikitext=None if wikitext is None else wikitext.expanduser(),
                told=status.show,
            )
            found = run(case)
    if output is not None:
        _keep(output.expanduser(), diagnosis_as_json(found))
    typer.echo(diagnosis_as_json(found) if as_json else table(found))


def _keep(file: Path, text: str) -> None:
    """Write it down, whole or not at all. Raises AssistantError where that is impossible."""
    from assistant.errors import AssistantError
    from assistant.paths import write_atomically

    try:
        write_atomically(file, f"{text}\n", mode=0o600)
    except OSError as error:
        raise AssistantError(f"{file} cannot be written: {error.strerror}") from error


def _claim(value: float | None, results: Path | None) -> "Claim | None":
    """The number to be explained. Raises UsageError for one that cannot be."""
    from assistant_eval.diagnosis.claims import claimed, read_results

    if results is not None:
        return read_results(results.expanduser(), value)
    return None if value is None else claimed(value)


def _spec(expected: str | None, name: str) -> "ModelSpec | None":
    """What the registry knows of the model. Raises UsageError for a name that it does not know."""
    from assistant.errors import UsageError
    from assistant.registry import load_registry

    registry = load_registry()
    wanted = expected or name.removesuffix("-gptq")
    if expected is not None and wanted not in registry:
        raise UsageError(
            f"--expect {expected}: no such model is known; see `assistant models list`"
        )
    return registry.get(wanted)
