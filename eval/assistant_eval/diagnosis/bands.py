"""Published figures that a model can be held against: `bands.toml` beside this."""

import functools
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NEAR = 0.03
"""How far a size may be from another to be called the same."""


@dataclass(frozen=True, slots=True)
class Published:
    """A score of MMLU that somebody published."""

    model: str
    parameters: float
    protocol: str
    """A protocol of ours by its name, or in words where none is the same."""
    score: float
    """Per cent right."""
    source: str
    faithful: bool = True
    """Whether it is of the full model, 5-shot and by letters: what a faithful run comes near."""

    def is_of(self, parameters: float) -> bool:
        """Whether it is of a model of this size."""
        return math.isclose(self.parameters, parameters, rel_tol=_NEAR)


@dataclass(frozen=True, slots=True)
class PerplexityBand:
    """What perplexity models of a size have on WikiText-2."""

    parameters: float
    healthy: float
    """Up to this nothing is wrong."""
    broken: float
    """From this on something is."""
    source: str


@dataclass(frozen=True, slots=True)
class Loss:
    """What 4-bit weights cost, in points of MMLU."""

    most: float
    source: str


@functools.cache
def published() -> tuple[Published, ...]:
    """All published scores."""
    return tuple(Published(**entry) for entry in _tables()["mmlu"])


@functools.cache
def perplexities() -> tuple[PerplexityBand, ...]:
    """All bands of perplexity."""
    return tuple(PerplexityBand(**entry) for entry in _tables()["perplexity"])


@functools.cache
def quantization_loss() -> Loss:
    """What a healthy quantization to 4 bits costs at most."""
    return Loss(**_tables()["quantization"])


@functools.cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("bands.toml").read_text("utf-8"))
