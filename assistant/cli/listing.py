"""The evaluations that are kept on this machine."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from assistant.cli.session import JsonOption, packages_of

if TYPE_CHECKING:
    from assistant_eval.listing import Figure, Listed


def list_runs(as_json: JsonOption = False) -> None:
    """List the evaluations on this machine, the newest first, those that broke off as well."""
    with packages_of("eval"):
        from assistant_eval.listing import listed

        found = listed()
    if as_json:
        rows = [asdict(one) | {"began": one.began.isoformat()} for one in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not found:
        typer.echo("nothing is kept yet: `assistant eval mmlu` is a begin", err=True)
    for line in _table(found):
        typer.echo(line)


def _table(found: "Sequence[Listed]") -> list[str]:
    """A line for each, its name last, as that is what other commands take."""
    lines = [
        (f"{one.began.astimezone():%Y-%m-%d %H:%M}", _model(one), one.evaluation, _told(one))
        for one in found
    ]
    widths = [max((len(line[place]) for line in lines), default=0) for place in range(4)]
    return [
        "  ".join(
            [*(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)), one.name]
        )
        for line, one in zip(lines, found, strict=True)
    ]


def _model(one: "Listed") -> str:
    adapter = f"+{one.adapter}" if one.adapter else ""
    return f"{one.model}{adapter}" + ("" if one.quantization == "none" else f"@{one.quantization}")


def _told(one: "Listed") -> str:
    if one.state == "whole":
        return _figure(one.figures[0], shares=one.evaluation != "harness") if one.figures else ""
    asked = "" if one.asked is None else f" of {one.asked:,}"
    return f"{one.state}, {one.answered:,}{asked} answered"


def _figure(figure: "Figure", *, shares: bool) -> str:
    scale, digits = (100, 1) if shares else (1, 4)
    error = "" if figure.error is None else f" ± {scale * figure.error:.{digits}f}"
    return f"{figure.name} {scale * figure.value:.{digits}f}{error}"
