"""Two models beside each other on the same questions."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from assistant.cli.answering_bar import AnsweringBar, resumable
from assistant.cli.examined import examined, names_in
from assistant.cli.session import JsonOption, packages_of

if TYPE_CHECKING:
    from assistant.config import Quantization
    from assistant_eval.compare.comparison import Outcome
    from assistant_eval.compare.paired import Comparison
    from assistant_eval.compare.pairs import Finished
    from assistant_eval.mmlu.evaluation import Choices
    from assistant_eval.model import Examined

_NAME = 38
_SIDE = (
    "A run's folder or its name among the evaluations, or a model: NAME, NAME+ADAPTER, NAME@int4."
)


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=_SIDE)],
    b: Annotated[str, typer.Argument(metavar="B", help="What is compared with it, alike.")],
    gate: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="POINTS",
            help="Exit with 1 unless B is shown to be worse than A by no more than this.",
        ),
    ] = None,
    sequential: Annotated[
        bool,
        typer.Option(
            "--sequential", help="Ask B, a model, only until the answer is clear; A is a run."
        ),
    ] = False,
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", "-p", help="Of MMLU.", show_default="the first that both have"),
    ] = None,
    changes: Annotated[
        bool, typer.Option("--changes", help="List the questions at which they differ.")
    ] = False,
    data: Annotated[
        str, typer.Option("--data", "-d", help="What models are asked, as for `eval mmlu`.")
    ] = "cais/mmlu",
    shots: Annotated[int, typer.Option(min=0, max=5, help="As for `eval mmlu`.")] = 5,
    subjects: Annotated[
        list[str] | None, typer.Option(help="As for `eval mmlu`.", show_default="all")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="As for `eval mmlu`.", show_default="all")
    ] = None,
    seed: Annotated[int, typer.Option(help="As for `eval mmlu`, and of the order asked.")] = 0,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda:0, or auto.", show_default="from settings")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs of `eval mmlu` or `eval code`, or models that sit MMLU first."""
    with packages_of("eval"):
        from assistant_eval.compare.comparison import compare_runs, compare_until_clear
        from assistant_eval.mmlu.evaluation import Choices

        choices = Choices(
            data, (protocol or "harness",), shots, names_in(subjects or ()), limit, seed
        )
        margin = None if gate is None else gate / 100
        if sequential:
            first, second = _first(a), _second(b, device)
            with AnsweringBar() as bar:
                outcome = compare_until_clear(
                    first, second, choices, protocol, margin, bar.listener
                )
        else:
            ready = _run(a, choices, device)
            outcome = compare_runs(ready, _run(b, choices, device), protocol, margin)
    typer.echo(_as_json(outcome) if as_json else "\n".join(_lines(outcome, changes)))
    if outcome.gate is not None and not outcome.gate.passed:
        raise typer.Exit(1)


def _run(side: str, choices: "Choices", device: str | None) -> "Finished":
    """A run; a model is asked first."""
    from assistant_eval.compare.pairs import find, read_run
    from assistant_eval.mmlu.evaluation import evaluate

    if (folder := find(side)) is not None:
        return read_run(folder)
    model = _model(side, device)
    with resumable(), AnsweringBar() as bar:
        return read_run(evaluate(model, choices, bar.listener).run)


def _first(side: str) -> "Finished":
    from assistant.errors import UsageError
    from assistant_eval.compare.pairs import find, read_run

    if (folder := find(side)) is None:
        raise UsageError(
            f"{side} is no run: with --sequential A is one, so run `assistant eval mmlu` with it"
        )
    return read_run(folder)


def _second(side: str, device: str | None) -> "Examined":
    from assistant.errors import UsageError
    from assistant_eval.compare.pairs import find

    if find(side) is not None:
        raise UsageError(f"{side} is a run that is whole: leave --sequential out")
    return _model(side, device)


def _model(side: str, device: str | None) -> "Examined":
    """A model by NAME, NAME+ADAPTER, NAME@QUANTIZATION or all three. Raises UsageError."""
    from assistant.errors import ModelNotFoundError, UsageError

    if Path(side).expanduser().is_dir():
        return examined(side, None, None, device)
    named, _, quantization = side.partition("@")
    name, _, adapter = named.partition("+")
    if quantization not in ("", "none", "int4", "nf4"):
        raise UsageError(f"{side}: weights are loaded as none, int4 or nf4, not {quantization}")
    loaded_as = cast("Quantization | None", quantization or None)
    try:
        return examined(name or None, adapter or None, loaded_as, device)
    except ModelNotFoundError as error:
        raise UsageError(f"no run is called {side}, and {error}") from error


def _lines(outcome: "Outcome", changes: bool) -> Iterator[str]:
    whole = outcome.whole
    yield f"A  {outcome.a}"
    yield f"B  {outcome.b}"
    yield ""
    title = f"{outcome.protocol or 'programs'}, per cent right"
    columns = f"{'A':>8}{'B':>8}{'B - A':>8}{'better':>9}{'worse':>7}"
    yield f"{title:{_NAME}}{'':7}{columns}"
    for name, one in outcome.subjects.items():
        yield _line("  " + name.replace("_", " "), one)
    yield _line("all questions" if outcome.known is None else "questions asked", whole)
    yield ""
    yield _difference(outcome)
    yield from _gate(outcome)
    if changes:
        yield from _changes(outcome)


def _line(name: str, one: "Comparison") -> str:
    return (
        f"{name:{_NAME}}{one.a.questions:7,}{100 * one.a.accuracy:8.1f}{100 * one.b.accuracy:8.1f}"
        f"{_points(one.difference):>8}{one.gained:9,}{one.lost:7,}"
    )


def _difference(outcome: "Outcome") -> str:
    whole, known = outcome.whole, outcome.known
    bounds = f"from {_points(whole.low)} to {_points(whole.high)} points with 95 % confidence"
    if known is not None:
        return (
            f"asked {known.asked:,} of {known.population:,} questions: on all of them B - A is"
            f" {bounds}, whenever one stops"
        )
    test = "McNemar's test" if outcome.protocol else "paired test"
    return f"B - A is {_points(whole.difference)}: {bounds}; p = {whole.p_value:.2g} ({test})"


def _gate(outcome: "Outcome") -> Iterator[str]:
    gate = outcome.gate
    if gate is None:
        return
    verdict = "passed" if gate.passed else "not passed"
    worse = max(0.0, -gate.bound)
    yield (
        f"gate {verdict}: B is worse than A by no more than {100 * worse:.2f} points with 95 %"
        f" confidence, and {100 * gate.margin:g} are allowed"
    )


def _changes(outcome: "Outcome") -> Iterator[str]:
    yield ""
    for pair in outcome.changed:
        number = f"{int(pair.question) + 1}" if pair.subject else pair.question
        told = "better" if pair.difference > 0 else "worse"
        yield f"{told:8}{pair.subject.replace('_', ' ')} {number}".rstrip()


def _points(share: float) -> str:
    return f"{100 * share:+z.1f}"


def _as_json(outcome: "Outcome") -> str:
    fields = asdict(outcome)
    fields["whole"]["difference"] = outcome.whole.difference
    if outcome.gate is not None:
        fields["gate"]["passed"] = outcome.gate.passed
    return json.dumps(fields, ensure_ascii=False)
