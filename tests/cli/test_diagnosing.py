"""`assistant eval diagnose` as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.eval.exams import write_exam


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_exam(tmp_path_factory.mktemp("exam"), {"anatomy": 9, "astronomy": 7})


def test_a_table_for_people_and_an_object_for_scripts(run: Run, exam: Path, tmp_path: Path) -> None:
    shown = run("eval", "diagnose", "--data", str(exam), "--expect", "vicuna-13b")
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == ""
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("size and shape") and " found " in lines[0]
    assert "! wrong size" in lines[1]
    assert any(
        line.startswith("verdict: wrong size: predicted 40 layers of 5,120") for line in lines
    )
    assert any(line.startswith("what to do: ") for line in lines)
    kept = tmp_path / "new" / "diagnosis.json"
    printed = run("eval", "diagnose", "--data", str(exam), "--json", "--output", str(kept))
    found = json.loads(printed.stdout)
    assert json.loads(kept.read_text()) == found
    assert found["verdict"]["cause"] is None
    states = {one["check"]: one["state"] for one in found["outcomes"]}
    assert states["batches"] == "passed" and states["g_idx"] == "not run"


def test_what_keeps_several_checks_from_running_is_said_once(run: Run) -> None:
    done = run("eval", "diagnose", settings={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert words.count("the hub does not give it") == 1
    assert words.count("as with perplexity") == 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--claimed", "352"], 2, "from 0 to 100"),
        (["--expect", "vicuna-14b"], 2, "assistant models list"),
        (["--results", "nowhere.json"], 2, "nowhere.json cannot be read"),
        (["--model", "./nothing"], 1, "there is no folder ./nothing"),
    ],
)
def test_what_cannot_be_diagnosed_is_said_in_one_line(
    run: Run, arguments: list[str], code: int, said: str
) -> None:
    done = run("eval", "diagnose", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
