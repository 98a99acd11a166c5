"""What would run on this machine, and how well."""

import json
import logging
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.session import JsonOption

if TYPE_CHECKING:
    from assistant.model_specs import ModelSpec
    from assistant.plan import Machine, Plan

_HELD_AS = {"bf16": "16 bits", "int4": "4 bits", "nf4": "NF4", "gptq": "GPTQ"}


def plan(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names or folders.", show_default="every model that is known"),
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of a text to have room for.", show_default="up to 8192"),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Time each named model's own widths: seconds each.")
    ] = False,
    memory_only: Annotated[
        bool, typer.Option("--memory-only", help="Measure nothing: no speeds.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say which models fit into this machine's memory, and how fast they would be."""
    from assistant.errors import UsageError
    from assistant.plan import best_first, detect_machine, plans_for, recommended

    if measure and not names:
        raise UsageError("--measure takes seconds for each model: name those you mean")
    chosen = _chosen(names or [])
    machine = detect_machine()
    if not memory_only:
        machine = _measured(machine, [spec for spec, _ in chosen] if measure else [])
    plans = best_first(
        plan
        for spec, gptq_alone in chosen
        for plan in plans_for([spec], machine, context)
        if not gptq_alone or plan.storage == "gptq"
    )
    best = recommended(plans)
    if as_json:
        typer.echo(json.dumps(_as_object(machine, plans, best), indent=2))
        return
    _print(plans, several=len(machine.devices) > 1)
    typer.echo(_recommendation(best))


def _chosen(names: list[str]) -> "list[tuple[ModelSpec, bool]]":
    """The models that are meant, each with whether its name says GPTQ."""
    from assistant.plan.folders import spec_of
    from assistant.registry import find_spec, installed, load_registry, locate

    registry = load_registry()
    if not names:
        return [(spec, False) for spec in registry.values()]
    chosen = []
    for name in names:
        if "/" in name or (name in installed() and name not in registry):
            chosen.append((replace(spec_of(locate(name)), name=name), False))
        else:
            spec, variant = find_spec(name)
            chosen.append((spec, variant == "gptq"))
    return chosen


def _measured(machine: "Machine", specs: "list[ModelSpec]") -> "Machine":
    """The machine with its speed, where PyTorch is there to measure it."""
    from importlib.util import find_spec as find_module

    if find_module("torch") is None:
        note = "no speeds: measuring them needs PyTorch: pip install 'assistant[server]'"
        typer.echo(note, err=True)
        return machine
    from assistant.cli.session import Status

    with Status() as status:
        status.show("measuring this machine's speed")
        from assistant.engine.threads import wait_briefly

        wait_briefly()
        # What quantization libraries remark while they are imported is nothing to a user.
        logging.disable(logging.WARNING)
        from assistant.plan.measuring import measure_machine

        logging.disable(logging.NOTSET)
        return measure_machine(machine, specs, status.show)


def _as_object(machine: "Machine", plans: "list[Plan]", best: "Plan | None") -> dict[str, Any]:
    devices = [
        {"name": device.name, "title": device.title}
        | {"total_bytes": device.total_bytes, "free_bytes": device.free_bytes}
        for device in machine.devices
    ]
    return {
        "devices": devices,
        "plans": [_plan_object(plan) for plan in plans],
        "recommended": _plan_object(best) if best else None,
    }


def _plan_object(plan: "Plan") -> dict[str, Any]:
    return {
        "name": plan.name,
        "storage": plan.storage,
        "context": plan.context,
        "device": plan.device,
        "fit": plan.fit.value,
        "memory": asdict(plan.memory) | {"needed": plan.memory.needed, "total": plan.memory.total},
        "tokens_per_second": plan.tokens_per_second,
        "first_token_seconds": plan.first_token_seconds,
        "settings": plan.settings,
    }


def _print(plans: "list[Plan]", *, several: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    left = ("name", "weights as", "verdict", "on")
    headings = ["name", "weights as", "weights", "context", "cache", "total, GB", "verdict"]
    headings += ["tokens/s", "first token, s", *(["on"] if several else [])]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right", no_wrap=True)
    for plan in plans:
        memory = plan.memory
        table.add_row(
            plan.name,
            _HELD_AS[plan.storage],
            f"{memory.weights / 1e9:.1f}",
            str(plan.context),
            f"{memory.cache / 1e9:.1f}",
            f"{memory.total / 1e9:.1f}",
            plan.fit.value,
            _short(plan.tokens_per_second),
            _short(plan.first_token_seconds),
            *([plan.device] if several else []),
        )
    width = None if sys.stdout.isatty() else 120
    Console(highlight=False, width=width).print(table)


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _recommendation(best: "Plan | None") -> str:
    if best is None:
        return "on this machine: none of them"
    speed = best.tokens_per_second
    about = f", about {_short(speed)} tokens/s" if speed is not None else ""
    form = "" if best.storage in ("bf16", "gptq") else f" with quantization {best.storage}"
    return f"on this machine: {best.name}{form}{about}"
