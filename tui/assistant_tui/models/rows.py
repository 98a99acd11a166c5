"""Models, plans and adapters as the command line tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from assistant.registry import NO_FIM, LocalAdapter

GPTQ = "-gptq"
"""Ends the name of a model's quantized variant, where it has both."""
Fit = Literal["fits", "tight", "too large"]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One line of `assistant models list`."""

    name: str
    kind: str
    parameters: int | None
    context: int | None
    chat_format: str | None
    fim_format: str | None
    licence: str | None
    here: tuple[str, ...]
    """The variants on this machine, of `full` and `gptq`."""
    interrupted: tuple[str, ...]
    """The variants of which a pull has left something to go on with."""
    download_bytes: Mapping[str, int]
    """By the variants that can be pulled."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "ModelRow":
        """The row of an object that the command tells."""
        lists = {name: tuple(told[name]) for name in ("here", "interrupted")}
        return cls(**{**told, **lists})

    @property
    def fills_in(self) -> bool | None:
        """Whether it was taught to; None where its vocabulary would have to be read."""
        return None if self.fim_format is None else self.fim_format != NO_FIM

    @property
    def names(self) -> tuple[str, ...]:
        """What a server calls it, by the variants that are here."""
        if len(self.here) < 2:
            return (self.name,) if self.here else ()
        return (self.name, self.name + GPTQ)

    @property
    def missing(self) -> tuple[str, ...]:
        """The variants that can be pulled and are not here, one that was begun first."""
        missing = [one for one in self.download_bytes if one not in self.here]
        return tuple(sorted(missing, key=lambda one: one not in self.interrupted))


@dataclass(frozen=True, slots=True)
class Device:
    """Something that computes, and its memory in bytes."""

    name: str
    title: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A model in one form on one device: bytes by what they are for, and the speed to expect."""

    name: str
    storage: str
    context: int
    device: str
    fit: Fit
    weights: int
    cache: int
    rest: int
    tokens_per_second: float | None
    """None where nothing was measured."""
    first_token_seconds: float | None
    settings: Mapping[str, str]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Planned":
        """The plan of an object that the command tells."""
        memory = told["memory"]
        same = ("name", "storage", "context", "device", "fit", "settings")
        speeds = ("tokens_per_second", "first_token_seconds")
        return cls(
            **{name: told[name] for name in (*same, *speeds)},
            weights=memory["weights"],
            cache=memory["cache"],
            rest=memory["needed"] - memory["weights"] - memory["cache"],
        )

    @property
    def needed(self) -> int:
        """All of its bytes."""
        return self.weights + self.cache + self.rest

    def timed_as(self, other: "Planned") -> "Planned":
        """With the speed of another plan."""
        return replace(
            self,
            tokens_per_second=other.tokens_per_second,
            first_token_seconds=other.first_token_seconds,
        )


@dataclass(frozen=True, slots=True)
class AdapterRow:
    """One line of `assistant adapters list`."""

    name: str
    base: str
    trained_on: str | None
    examples: int | None
    nbytes: int
    in_settings: bool
    has_former: bool

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "AdapterRow":
        """The adapter of an object that the command tells."""
        same = ("name", "base", "trained_on", "examples", "has_former")
        return cls(
            **{name: told[name] for name in same},
            nbytes=told["bytes"],
            in_settings=told["in_use"],
        )

    def is_for(self, model: str) -> bool:
        """Whether it may belong to the model of that name."""
        return LocalAdapter(self.name, Path(), self.base).is_for(model)


@dataclass(frozen=True, slots=True)
class Pull:
    """A model on its way, as far as it has come."""

    name: str
    variant: str
    phase: Literal["pulling", "stopped", "failed"] = "pulling"
    done_bytes: int = 0
    total_bytes: int = 0
    """0 before the hub has told it."""
    bytes_per_second: float = 0.0
    checking: bool = False
    resumes_in: float = 0.0
    """Seconds for which the hub asks to wait."""
    problem: str = ""

    @property
    def share(self) -> float:
        """How much of it is here, from 0 to 1."""
        return self.done_bytes / self.total_bytes if self.total_bytes else 0.0
