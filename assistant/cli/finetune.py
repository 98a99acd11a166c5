"""Training an adapter on the user's own data."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.cli.session import JsonOption, packages_of

if TYPE_CHECKING:
    from assistant_finetune.fitting import Choice
    from assistant_finetune.training.metrics import Measured
    from assistant_finetune.training.run import Listener, Outcome

_GIGA = 1e9


_NO_SETTINGS = ("recipe", "config", "device", "plan", "resume", "as_json")
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
    learning_rate: Annotated[float | None, typer.Option()] = None,
    rank: Annotated[int | None, typer.Option(help="Of the adapter.")] = None,
    learn: Annotated[Literal["answers", "last", "all"] | None, typer.Option()] = None,
    held_out: Annotated[float | None, typer.Option(help="The share never trained on.")] = None,
    replay: Annotated[
        float | None, typer.Option(help="The share of other code that is learned along.")
    ] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda:0, or auto.")] = "auto",
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what it would take, and load nothing.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on with a run that was interrupted.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter on your own data; servers then find it by its name."""
    from assistant.errors import UsageError

    given = {
        key: tuple(value) if key == "data" else value
        for key, value in context.params.items()
        if key not in _NO_SETTINGS and value not in (None, (), [])
    }
    if resume is not None and (given or recipe or config or plan):
        raise UsageError("--resume goes on with the settings of the run: give no others")
    with packages_of("finetune"):
        if resume is not None:
            _run(lambda listener: _resumed(resume, listener, device), as_json)
            return
        from assistant_finetune.training.recipes import read_settings
        from assistant_finetune.training.run import plan as plan_run
        from assistant_finetune.training.run import start

        settings = read_settings(given, recipe=recipe, file=config)
        if plan:
            choice, _ = plan_run(settings, device)
            _show_plan(choice, as_json)
            return
        _run(lambda listener: start(settings, listener, device), as_json)


def _resumed(name: str, listener: "Listener", device: str) -> "Outcome":
    from assistant_finetune.training.run import resume

    return resume(name, listener, device)


def _run(work: "Any", as_json: bool) -> None:
    from assistant_finetune.training.run import Listener

    with _Progress() as progress:
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


class _Progress:
    """A bar with loss, speed, memory and time left; nothing where standard error is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None, told="")

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, what: str) -> None:
        """Show what is being done."""
        self._bar.update(self._task, description=what)

    def measured(self, one: "Measured") -> None:
        """Show how far it is."""
        if one.loss is None:
            return
        told = [f"step {one.step}/{one.steps}", f"loss {one.loss:.3f}"]
        if one.learned_per_second is not None:
            told.append(f"{one.learned_per_second:,.0f} tokens/s learned")
        if one.memory_bytes is not None:
            told.append(f"{one.memory_bytes / _GIGA:.1f} GB")
        if one.seconds_left is not None:
            told.append(f"{_time(one.seconds_left)} left")
        self._bar.update(self._task, completed=one.step, total=one.steps, told=", ".join(told))


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
    )


_CHOSEN = (
    "method",
    "max_length",
    "batch_size",
    "micro_batch_size",
    "rank",
    "learning_rate",
    "optimizer",
    "adapter_precision",
    "checkpointing",
)


def _show_plan(choice: "Choice", as_json: bool) -> None:
    from dataclasses import asdict

    memory = asdict(choice.memory)
    settings = {name: getattr(choice.settings, name) for name in _CHOSEN}
    if as_json:
        fields = {
            "base": choice.settings.base,
            "device": choice.device.name,
            "fits": choice.fits,
            "free_bytes": choice.device.free_bytes,
            "total_bytes": choice.memory.total,
            "memory": memory,
            "settings": settings,
        }
        typer.echo(json.dumps(fields))
        return
    for name, size in memory.items():
        typer.echo(f"{name:12} {size / _GIGA:8.2f} GB")
    typer.echo(f"{'in all':12} {choice.memory.total / _GIGA:8.2f} GB")
    verdict = "fits into" if choice.fits else "does not fit into"
    free = choice.device.free_bytes / _GIGA
    typer.echo(f"{verdict} the {free:.1f} GB that are free on {choice.device.name}")
    typer.echo(
        ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
    )
