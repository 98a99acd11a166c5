"""The model card, written from what was measured."""

import json
from pathlib import Path
from string import Template
from typing import Any

from tools.starter.corpus import sources

_TEMPLATE = Template(
    """# The starter model

A very small Llama ($parameters million parameters) that ships with `assistant`, so that everything
works offline, at once, on any CPU. It was trained from scratch by this project, on $tokens million
tokens, on 2 CPU cores. Its weights are under the project's licence, Apache-2.0.

## What it is for
Short completions of Python at a cursor (fill-in-the-middle, suffix first), the repair of simple
typing mistakes in English, and rough one-line explanations. It is a place to begin and a model for
tests: take a larger one (`assistant models list`) for real work.

## What it cannot do
- It knows no facts, answers no questions and does not reason. Its explanations and docstrings read
  well and are often wrong; its continuations of prose wander off.
- It saw English and Python only. Other human and programming languages survive, byte by byte, but
  it does not know them.
- It sometimes "repairs" a rare word or a name into a common one. Look at the difference before you
  accept it.
- It was trained on windows of $windows tokens; it accepts 2,048.

## Measured, on files it never saw
$measured

## Training
$recipe

The windows are filled with samples of several kinds; the shares of the tokens were: $mix.
`tools/starter/README.md` says how to repeat it.

## Sources
The Python standard library (PSF-2.0), and the code and documentation of:

| package | version | licence |
| --- | --- | --- |
$sources
"""
)


def write(run: Path) -> str:
    """The card of the run's checkpoint and, where there is one, its evaluation."""
    entries = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [entry for entry in entries if "tokens" in entry]
    evaluated = run / "evaluation.json"
    figures = json.loads(evaluated.read_text()) if evaluated.exists() else None
    windows = sorted({entry["window"] for entry in steps})
    return _TEMPLATE.substitute(
        parameters="6.5",
        tokens=f"{steps[-1]['tokens'] / 1e6:.1f}",
        windows=" and ".join(f"{window:,}" for window in windows),
        measured=_measured(figures) if figures else "Not measured yet.",
        recipe=_recipe(steps),
        mix=_mix(),
        sources="\n".join(f"| {one.name} | {one.version} | {one.licence} |" for one in sources()),
    )


def _mix() -> str:
    from tools.starter.samples import MIX

    return ", ".join(f"{kind} {share:.0%}" for kind, share in MIX.items())


def _recipe(steps: list[dict[str, Any]]) -> str:
    falling = [entry["step"] for entry in steps if entry["factor"] < 1 and entry["step"] > 100]
    start = f", falling in a line to zero from step {falling[0]}" if falling else ""
    return (
        f"`python -m tools.starter.train`, {steps[-1]['step']} steps of 8,192 tokens: Muon at 0.02"
        f" on the hidden matrices and AdamW at 0.003 on the rest{start}; bf16 autocast."
    )


def _measured(figures: dict[str, Any]) -> str:
    rows = [f"- {name}: {value}" for name, value in figures.items()]
    return "\n".join(rows)
