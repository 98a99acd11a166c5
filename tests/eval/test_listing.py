"""The list of evaluations, and the commands in it that go on with them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from assistant import paths
from assistant.cli.app import app
from assistant.registry import STARTER, locate
from assistant_eval.code.evaluation import Choices as CodeChoices
from assistant_eval.completion.evaluation import Choices as CompletionChoices
from assistant_eval.harness.evaluation import Choices as HarnessChoices
from assistant_eval.listing import Figure, listed
from assistant_eval.mmlu.evaluation import Choices, evaluate
from assistant_eval.model import Examined
from assistant_eval.runs import ANSWERS_FILE, SCORES_FILE, Run

STARTER_MODEL = {"name": "starter", "adapter": None, "quantization": "none"}


@pytest.fixture(scope="module")
def examined() -> Examined:
    return Examined(locate(STARTER), device="cpu")


def parsed(command: list[str]) -> dict[str, Any]:
    """What the command line makes of it; it fails where an option is unknown."""
    root = typer.main.get_command(app)
    evaluations = root.get_command(None, "eval")  # type: ignore[attr-defined]
    found = evaluations.get_command(None, command[1])
    parameters: dict[str, Any] = found.make_context(command[1], command[2:]).params
    return parameters


def test_a_run_from_its_begin_to_its_end(examined: Examined, folder: Path) -> None:
    choices = Choices(str(folder), ("harness", "old-harness"), shots=1, subjects=("anatomy",))
    outcome = evaluate(examined, choices)
    (whole,) = listed()
    assert (whole.state, whole.answered, whole.asked) == ("whole", 18, 18)
    assert [one.name for one in whole.figures] == [
        "harness",
        "old-harness acc",
        "old-harness acc_norm",
    ]
    assert whole.figures[0].value == outcome.scores[0].micro.accuracy
    assert whole.report == outcome.report and whole.name == outcome.run.name
    with (outcome.run / ANSWERS_FILE).open("r+b") as file:
        file.truncate(700)
    (outcome.run / SCORES_FILE).unlink()
    (broken,) = listed()
    assert (broken.state, broken.asked, broken.figures) == ("interrupted", 18, ())
    assert 0 < broken.answered < 18
    with Run(outcome.run).locked():
        (working,) = listed()
    assert working.state == "under way" and working.process is not None
    command = list(broken.command or ())
    assert command[-2:] == ["--output", str(outcome.run)]
    told = parsed(command)
    assert told["model"] == "starter" and told["device"] == "cpu" and told["shots"] == 1
    assert told["protocol"] == ["harness", "old-harness"] and told["subjects"] == ["anatomy"]
    assert Path(told["data"]) == folder and told["limit"] is None


def test_every_evaluation_has_a_command(examined: Examined, tmp_path: Path) -> None:
    own = replace(examined, local=replace(examined.local, folder=tmp_path, adapter=tmp_path / "a"))
    told = parsed(CodeChoices("q.jsonl", samples=3, temperature=0.5).command(own))
    assert told["model"] == str(tmp_path) and told["adapter"] == str(tmp_path / "a")
    assert told["samples"] == 3 and told["temperature"] == 0.5 and told["memory"] == 512
    since = datetime(2026, 3, 2, 12, tzinfo=UTC)
    told = parsed(CompletionChoices(tmp_path, 7, since).command(examined))
    assert told["repo"] == tmp_path and told["places"] == 7
    assert told["since"].astimezone() == since
    told = parsed(HarnessChoices(("arc_easy", "gsm8k"), tmp_path, limit=4).command(examined))
    assert told["tasks"] == ["arc_easy", "gsm8k"] and told["folder"] == tmp_path
    assert told["limit"] == 4 and told["shots"] is None


def keep(name: str, passport: dict[str, Any], scores: Any, answers: dict[str, int]) -> None:
    run = Run(paths.evaluations_dir() / name)
    run.path.mkdir(parents=True)
    run.begin({"model": STARTER_MODEL, **passport})
    for file, count in answers.items():
        (run.path / file).write_text("{}\n" * count)
    if scores is not None:
        run.keep_value(SCORES_FILE, scores)


def test_other_evaluations_and_what_is_none() -> None:
    right = {"accuracy": 0.5, "stderr": 0.1, "questions": 4}
    code = {"evaluation": "code", "data": {"questions": 4}, "samples": 2}
    keep("code", code, {"pass_at": {"1": right}}, {"answers.jsonl": 8})
    places = {"evaluation": "completion", "data": {"places": {"line": 5, "block": 3}}}
    figures = [{"model": "base", "kind": "line", "figures": {"right": right}}]
    keep("completion", places, figures, {"answers-1.jsonl": 8})
    task = {"task": "arc", "metric": "acc", "value": 0.25, "error": None, "questions": 4}
    keep("harness", {"evaluation": "harness"}, [task], {"answers-1.jsonl": 2, "answers-2.jsonl": 1})
    keep("unknown", {"evaluation": "dance"}, [], {})
    (paths.evaluations_dir() / "damaged").mkdir()
    (paths.evaluations_dir() / "damaged" / "passport.json").write_text("{")
    (paths.evaluations_dir() / "notes.txt").write_text("mine")
    found = {one.name: one for one in listed()}
    assert set(found) == {"code", "completion", "harness"}
    assert (found["code"].answered, found["code"].asked) == (8, 8)
    assert found["code"].figures == (Figure("pass@1", 0.5, 0.1, 4),)
    assert found["completion"].asked == 8
    assert found["harness"].answered == 3 and found["harness"].asked is None
    assert found["harness"].figures == (Figure("arc acc", 0.25, None, 4),)
    assert found["code"].command is None
