"""What a run measures as it goes: one line of JSON for each step, and for each look at held-out
data."""

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assistant.paths import write_atomically

_WINDOW = 20
"""Speed is that of so many steps."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of `metrics.jsonl`."""

    step: int
    steps: int
    seconds: float
    """Since training began, without interruptions."""
    loss: float | None = None
    """Of the step's learned tokens, in nats for each."""
    held_out_loss: float | None = None
    """Of all learned tokens that are held out."""
    learning_rate: float | None = None
    grad_norm: float | None = None
    learned_per_second: float | None = None
    memory_bytes: int | None = None
    """The most so far: of the GPU, or of the process on a CPU."""
    seconds_left: float | None = None


class Metrics:
    """Writes what is measured, and tells it."""

    def __init__(
        self,
        file: Path,
        steps: int,
        learned: Callable[[], int],
        memory: Callable[[], int],
        tell: Callable[[Measured], object],
    ) -> None:
        """`learned` counts tokens learned by this process, `memory` the most memory it had."""
        self._file, self._steps = file, steps
        self._learned, self._memory, self._tell = learned, memory, tell
        self._before = 0.0
        self._begin = time.monotonic()
        self._recent = deque[tuple[int, int, float]]([(-1, 0, self._begin)], maxlen=_WINDOW)

    def go_on_from(self, step: int) -> None:
        """Forget what was measured behind the step that the run goes on from."""
        kept = [one for one in read_metrics(self._file) if one.step <= step]
        self._before = kept[-1].seconds if kept else 0.0
        text = "".join(as_line(one) for one in kept)
        write_atomically(self._file, text, mode=0o600)
        self._begin = time.monotonic()
        self._recent.clear()
        self._recent.append((step, 0, self._begin))

    def log(self, values: dict[str, float]) -> None:
        """Note what the trainer says of a step."""
        now = time.monotonic()
        step = int(values["step"])
        first_step, first_learned, first = self._recent[0]
        begun = step - max(first_step, 0)
        pace = (now - first) / begun if begun > 0 else None
        measured = Measured(
            step=step,
            steps=self._steps,
            seconds=round(self._before + now - self._begin, 3),
            loss=values.get("loss"),
            held_out_loss=values.get("held_out_loss"),
            learning_rate=values.get("learning_rate"),
            grad_norm=values.get("grad_norm"),
            learned_per_second=(self._learned() - first_learned) / (now - first)
            if now > first
            else None,
            memory_bytes=self._memory(),
            seconds_left=None if pace is None else pace * (self._steps - step),
        )
        if measured.loss is not None:
            self._recent.append((step, self._learned(), now))
        with self._file.open("a", encoding="utf-8") as file:
            file.write(as_line(measured))
        self._tell(measured)


def read_metrics(file: Path) -> list[Measured]:
    """All that was measured; a line that was broken off by the end of a process is left out."""
    if not file.exists():
        return []
    found = map(read_line, file.read_text("utf-8").splitlines())
    return [one for one in found if one is not None]


def read_line(line: str) -> Measured | None:
    """What a line says, or None for one that was broken off."""
    try:
        fields: dict[str, Any] = json.loads(line)
        return Measured(**fields)
    except (ValueError, TypeError):
        return None


def as_line(measured: Measured) -> str:
    """One line of `metrics.jsonl`, with its line end."""
    fields = {name: value for name, value in asdict(measured).items() if value is not None}
    return json.dumps(fields) + "\n"
