"""A program that a model wrote, with what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.engine.requests import Finish
from assistant_eval.code.sandbox import Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one question."""

    task: str
    number: int
    """Which of the question's answers, from 0."""
    text: str
    """What the model wrote."""
    finish: Finish
    tokens: int
    kind: Kind
    """See `Verdict`."""
    told: str

    @property
    def passed(self) -> bool:
        """Whether the program is right."""
        return self.kind == "passed"

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Answer":
        """The answer of a line in a run's folder."""
        return cls(**fields)
