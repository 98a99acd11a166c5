"""Evaluations as `assistant eval` keeps them, without a model; and what a test does there."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from textual.widgets import OptionList, Static

from assistant import paths
from assistant_eval.mmlu.answers import Answer
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.scores import score
from assistant_eval.runs import Run
from assistant_tui.evaluation.charts import Chart
from assistant_tui.evaluation.screen import EvaluationScreen
from tests.tui.conftest import Home

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG = 150.0
"""Seconds, for what loads a model on a machine that does other things, too."""

Right = Mapping[str, Sequence[bool]]
"""By subject, which questions were answered rightly."""


def right(**shares: int) -> dict[str, list[bool]]:
    """So many of ten questions of each subject."""
    return {name: [number < count for number in range(10)] for name, count in shares.items()}


def write_mmlu(
    name: str,
    found: Right,
    *,
    model: str = "starter",
    adapter: str | None = None,
    quantization: str = "none",
    protocols: Sequence[str] = ("harness",),
    days: int = 0,
    answered: int | None = None,
) -> Path:
    """A run of MMLU; with `answered` one that was interrupted after so many answers."""
    answers = [
        Answer(
            protocol=protocol,
            subject=subject,
            number=number,
            right="A",
            predicted=dict.fromkeys(PROTOCOLS[protocol].measures, "A" if one else "B"),
            likelihoods=None,
            text=None,
            tokens=10,
            shots=5,
            lost=0,
        )
        for protocol in protocols
        for subject, ones in found.items()
        for number, one in enumerate(ones)
    ]
    run = Run(paths.evaluations_dir() / name)
    run.path.mkdir(parents=True)
    run.begin(_passport(found, model, adapter, quantization, protocols))
    with run.writing() as pieces:
        for answer in answers[:answered]:
            pieces.write([asdict(answer)])
    if answered is None:
        run.keep_value("scores.json", [asdict(one) for one in score(answers)])
        run.keep("report.html", "<title>MMLU</title>")
    moment = (NOON + timedelta(days=days)).timestamp()
    os.utime(run.path / "passport.json", (moment, moment))
    return run.path


def write_diagnosis() -> None:
    """What `assistant eval diagnose --output` keeps."""
    finding = {
        "cause": "wrong size",
        "weight": "certain",
        "predicted": "40 layers of 5,120",
        "seen": "32 layers of 4,096, the shape of [vicuna-7b]",
        "measuring": False,
    }
    outcomes = [
        {"check": "size and shape", "state": "found", "seen": "32 layers", "findings": [finding]},
        {"check": "g_idx", "state": "not run", "seen": "nothing is quantized", "findings": []},
        {"check": "batches", "state": "passed", "seen": "64 answers agree", "findings": []},
    ]
    line = f"wrong size: predicted {finding['predicted']}; seen {finding['seen']}"
    verdict = {"cause": "wrong size", "line": line, "remedy": "get the right size", "also": []}
    found = {"model": "vicuna-13b", "verdict": verdict, "outcomes": outcomes}
    file = paths.state_dir() / "diagnosis.json"
    file.write_text(json.dumps(found))
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))


class Evaluations:
    """The evaluations' screen of an app that runs."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.press = home.press

    @property
    def screen(self) -> EvaluationScreen:
        return self.home.app.evaluation

    @property
    def listed(self) -> list[str]:
        """The lines of the list, two for each run."""
        rows = self.screen.query_one("#runs").query_one(OptionList)
        prompts = [str(rows.get_option_at_index(at).prompt) for at in range(rows.option_count)]
        return [line.strip() for prompt in prompts for line in prompt.split("\n")]

    @property
    def shown(self) -> str:
        """All that can be read beside the list, scrolled to or not."""
        view = self.screen.query_one(f"#{self.screen._view}")
        charts = [str(chart.render()) for chart in view.query(Chart)]
        return "\n".join([*(str(words.render()) for words in view.query(Static)), *charts])

    async def enter(self) -> None:
        """Go there, and wait for the list."""
        await self.press("f8")
        await self.home.until(lambda: self.home.app.screen is self.screen)
        await self.until(lambda: self.screen.run is not None)

    async def until(self, holds: Callable[[], object], seconds: float = LONG) -> None:
        """Wait for what other processes do."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"never; told: {self.home.said}; shown: {self.shown}"
            await self.home.pilot.pause(0.02)

    async def until_shown(self, text: str) -> None:
        await self.until(lambda: text in self.shown)


def _passport(
    found: Right,
    model: str,
    adapter: str | None,
    quantization: str,
    protocols: Sequence[str],
) -> dict[str, object]:
    command = ["eval", "mmlu", "--model", model]
    return {
        "evaluation": "mmlu",
        "model": {"name": model, "adapter": adapter, "quantization": quantization},
        "data": {
            "sha256": "the same",
            "questions": sum(map(len, found.values())),
            "subjects": list(found),
        },
        "shots": 5,
        "protocols": {name: {} for name in protocols},
        "circumstances": {"source": "cais/mmlu", "loaded": model, "command": command},
    }
