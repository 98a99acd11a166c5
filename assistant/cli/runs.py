"""The training runs of this machine: which there are, and how one is stopped."""

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from assistant_finetune.training.listing import RunSummary


def list_runs(as_json: bool) -> None:
    """Print every run, the one first that was changed last."""
    from assistant_finetune.training.listing import summaries

    found = summaries()
    if as_json:
        rows = [one.as_fields() for one in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not found:
        typer.echo("there are no runs: `assistant finetune --data PATH` begins one", err=True)
    for one in found:
        loss = f"loss {one.loss:.3f}" if one.loss is not None else ""
        when = f"{one.changed.astimezone():%Y-%m-%d %H:%M}"
        typer.echo(f"{one.name:30} {_state(one):28} {loss:11} {when}  on {one.base}")


def _state(one: "RunSummary") -> str:
    if one.state == "done":
        return "done"
    steps = f" of {one.steps}" if one.steps is not None else ""
    return f"{one.state}, step {one.step}{steps}" if one.step else one.state


def stop_run(name: str, as_json: bool) -> None:
    """Stop a run, the last one where `name` is an adapter's. Raises UsageError for none."""
    from assistant_finetune.training.listing import summary_of
    from assistant_finetune.training.run_folder import last_run
    from assistant_finetune.training.stopping import stop

    run = last_run(name)
    stop(run)
    now = summary_of(run) if run.path.exists() else None
    if as_json:
        typer.echo(json.dumps(now.as_fields() if now else None, ensure_ascii=False))
    if now is None:
        typer.echo(f"{run.name} was stopped before it learned anything, and is gone", err=True)
    elif now.state == "done":
        typer.echo(f"{run.name} came to its end meanwhile: {run.result}", err=True)
    else:
        more = f"`assistant finetune --resume {run.name}` goes on"
        typer.echo(f"{run.name} is stopped {_at(now)}: {more}", err=True)


def _at(one: "RunSummary") -> str:
    return f"at step {one.step} of {one.steps}" if one.step else "before its first step"
