"""Training an adapter on the user's own data."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from assistant.cli.session import JsonOption, packages_of
from assistant.cli.training_bar import TrainingBar

if TYPE_CHECKING:
    from assistant_finetune.fitting import Choice
    from assistant_finetune.training.result import Outcome
    from assistant_finetune.training.settings import Settings

_GIGA = 1e9


_ABOUT_RUNS = ("resume", "watch", "stop", "runs")
"""Options that are about runs as they are, each to be said alone."""
_NO_SETTINGS = ("recipe", "config", "device", "processes", "plan", *_ABOUT_RUNS, "as_json")
"""Options that say how to run; all others are settings, by their names."""


def finetune(
    context: typer.Context,
    base: Annotated[
        str | None, typer.Option("--base", "-b", help="What to train on: a name or a folder.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", "-d", help="What to learn from, as in `assistant data`; repeatable."
        ),
    ] = None,
    method: Annotated[
        Literal["qlora", "lora", "full"] | None,
        typer.Option(
            help="An adapter on 4-bit or on 16-bit weights, or all weights.",
            show_default="what fits",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the adapter.")] = None,
    recipe: Annotated[
        str | None, typer.Option(help="default, guanaco, vicuna or alpaca-lora.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file of settings; options go before it.")
    ] = None,
    max_length: Annotated[int | None, typer.Option(help="Longest sample, in tokens.")] = None,
    epochs: Annotated[float | None, typer.Option(help="How often all data is seen.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Steps, whatever the epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows in a step.")] = None,
    micro_batch_size: Annotated[int | None, typer.Option(help="Rows computed at once.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="The largest step of the schedule.")
    ] = None,
    rank: Annotated[int | None, typer.Option(help="Of the adapter.")] = None,
    learn: Annotated[
        Literal["answers", "last", "all"] | None,
        typer.Option(help="Of a conversation: all answers, the last one, or every token."),
    ] = None,
    held_out: Annotated[float | None, typer.Option(help="The share never trained on.")] = None,
    replay: Annotated[
        float | None, typer.Option(help="The share of other code that is learned along.")
    ] = None,
    forgetting: Annotated[
        float | None,
        typer.Option(help="By how much the loss on other code may rise; 0: by any amount."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same one gives the same run.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda:0, or auto.")] = "auto",
    processes: Annotated[
        int, typer.Option(min=1, help="So many share the rows of a step, each on a GPU of its own.")
    ] = 1,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what it would take, and load nothing.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on with a run that was interrupted.")
    ] = None,
    watch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Look on at a run of another terminal.")
    ] = None,
    stop: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Stop a run; what it has learned is kept."),
    ] = None,
    runs: Annotated[
        bool, typer.Option("--runs", help="List the runs of this machine, and how they stand.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter on your own data; servers then find it by its name."""
    given = {
        key: tuple(value) if key == "data" else value
        for key, value in context.params.items()
        if key not in _NO_SETTINGS and value not in (None, (), [])
    }
    _check_alone(context.params, bool(given or recipe or config or plan))
    with packages_of("finetune"):
        if runs or stop is not None or watch is not None:
            _about_runs(watch, stop, as_json)
            return
        if resume is not None:
            from assistant_finetune.training.run_folder import last_run

            settings = last_run(resume).settings()
        else:
            from assistant_finetune.training.recipes import read_settings

            settings = read_settings(given, recipe=recipe, file=config)
        if plan:
            _plan(settings, device, processes, as_json)
        else:
            _train(settings, resume, device, processes, as_json)


def _check_alone(options: "dict[str, Any]", has_settings: bool) -> None:
    """Raises UsageError where an option about runs does not stand alone."""
    from assistant.errors import UsageError

    said = [name for name in _ABOUT_RUNS if options[name]]
    if len(said) > 1 or (said and has_settings):
        raise UsageError(f"{_ALONE[said[0]]}: give nothing else")


_ALONE = {
    "resume": "--resume goes on with the settings of the run",
    "watch": "--watch looks on at a run as it is",
    "stop": "--stop stops a run",
    "runs": "--runs lists the runs",
}


def _about_runs(watch: str | None, stop: str | None, as_json: bool) -> None:
    from assistant.cli.runs import list_runs, stop_run
    from assistant.cli.watching import watch_run

    if watch is not None:
        watch_run(watch, as_json)
    elif stop is not None:
        stop_run(stop, as_json)
    else:
        list_runs(as_json)


def _plan(settings: "Settings", device: str, processes: int, as_json: bool) -> None:
    from assistant_finetune.training.naming import free_name
    from assistant_finetune.training.run import plan

    choice, _ = plan(settings, device, processes)
    _show_plan(choice, settings.name or free_name(settings), as_json)


def _train(
    settings: "Settings", resumed: str | None, device: str, processes: int, as_json: bool
) -> None:
    """Begin a run, or go on with the one called `resumed`; in several processes where told so."""
    from assistant_finetune.training.processes import this_process
    from assistant_finetune.training.run import plan, resume, start

    if processes > 1 and this_process().count == 1:
        choice, _ = plan(settings, device, processes)
        _launch(processes, choice.device.kind)
    if resumed is not None:
        _run(lambda listener: resume(resumed, listener, device), as_json)
    else:
        _run(lambda listener: start(settings, listener, device), as_json)


def _launch(processes: int, device: str) -> NoReturn:
    """Run this very command in so many processes; each finds its place, and none launches more."""
    from assistant_finetune.training.processes import launch

    raise typer.Exit(launch(processes, sys.argv[1:], device))


def _run(work: "Any", as_json: bool) -> None:
    from assistant_finetune.training.listening import Listener
    from assistant_finetune.training.processes import this_process

    if not this_process().is_first:
        work(Listener())
        return
    with TrainingBar() as progress:
        outcome: Outcome = work(
            Listener(progress.say, progress.measured, lambda line: typer.echo(line, err=True))
        )
    if outcome.first_loss is not None and outcome.best_loss is not None:
        typer.echo(
            f"loss on what was held out: {outcome.first_loss:.3f} at first, "
            f"{outcome.best_loss:.3f} at best",
            err=True,
        )
    typer.echo(f"{outcome.name} is in {outcome.result}", err=True)
    typer.echo(f"the report is {outcome.run / 'report.html'}", err=True)
    if as_json:
        fields = {
            "name": outcome.name,
            "run": str(outcome.run),
            "result": str(outcome.result),
            "steps": outcome.steps,
            "seconds": outcome.seconds,
            "first_loss": outcome.first_loss,
            "best_loss": outcome.best_loss,
        }
        typer.echo(json.dumps(fields, ensure_ascii=False))


_CHOSEN = (
    "method",
    "max_length",
    "batch_size",
    "micro_batch_size",
    "rank",
    "learning_rate",
    "optimizer",
    "adapter_precision",
    "unpacked",
    "checkpointing",
)


def _show_plan(choice: "Choice", name: str, as_json: bool) -> None:
    from dataclasses import asdict

    memory = asdict(choice.memory)
    settings = {name: getattr(choice.settings, name) for name in _CHOSEN}
    if as_json:
        fields = {
            "name": name,
            "base": choice.settings.base,
            "device": choice.device.name,
            "fits": choice.fits,
            "free_bytes": choice.device.free_bytes,
            "processes": choice.processes,
            "total_bytes": choice.memory.total,
            "needed_bytes": choice.needed,
            "memory": memory,
            "settings": settings,
        }
        typer.echo(json.dumps(fields))
        return
    for name, size in memory.items():
        typer.echo(f"{name:12} {size / _GIGA:8.2f} GB")
    typer.echo(f"{'in all':12} {choice.memory.total / _GIGA:8.2f} GB")
    if choice.processes > 1:
        typer.echo(f"for each of {choice.processes} processes")
    verdict = "fits into" if choice.fits else "does not fit into"
    free = choice.device.free_bytes / _GIGA
    typer.echo(f"{verdict} the {free:.1f} GB that are free on {choice.device.name}")
    typer.echo(
        ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
    )
