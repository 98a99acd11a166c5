"""Two runs of real models beside each other."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli.evaluation import app
from assistant.errors import UsageError
from assistant.registry import STARTER, locate
from assistant_eval.code.evaluation import Choices as Programs
from assistant_eval.code.evaluation import evaluate as write_programs
from assistant_eval.code.sandbox import Limits
from assistant_eval.compare.comparison import compare_runs, compare_until_clear
from assistant_eval.compare.pairs import find, read_run
from assistant_eval.mmlu.evaluation import Choices, evaluate
from assistant_eval.model import Examined
from assistant_eval.runs import ANSWERS_FILE, SCORES_FILE
from tests.eval.code.questions import adding, write
from tests.eval.exams import write_exam


@pytest.fixture(scope="module")
def starter() -> Examined:
    return Examined(locate(STARTER), device="cpu")


@pytest.fixture(scope="module")
def coarse() -> Examined:
    return Examined(locate(STARTER), "int4", device="cpu")


@pytest.fixture
def choices(folder: Path) -> Choices:
    return Choices(str(folder), ("harness", "original"), shots=2)


def test_a_run_is_no_better_than_itself(starter: Examined, choices: Choices) -> None:
    run = read_run(evaluate(starter, choices).run)
    outcome = compare_runs(run, run, margin=0.2)
    assert outcome.protocol == "original"
    assert outcome.changed == () and outcome.whole.p_value == 1
    assert outcome.whole.difference == outcome.whole.low == outcome.whole.high == 0
    assert outcome.gate is not None and outcome.gate.passed
    assert set(outcome.subjects) == {"anatomy", "astronomy", "formal_logic"}
    strict = compare_runs(run, run, margin=0.01)
    assert strict.gate is not None and not strict.gate.passed


def test_what_changed_is_what_the_runs_say(
    starter: Examined, coarse: Examined, choices: Choices
) -> None:
    a, b = (read_run(evaluate(one, choices).run) for one in (starter, coarse))
    outcome = compare_runs(a, b, "harness")
    assert outcome.b.endswith(", int4") and outcome.protocol == "harness"
    right: list[dict[tuple[str, str], bool]] = []
    for run in (a, b):
        lines = (run.path / ANSWERS_FILE).read_text().splitlines()
        found = [json.loads(line) for line in lines]
        right.append(
            {
                (one["subject"], str(one["number"])): one["predicted"]["acc"] == one["right"]
                for one in found
                if one["protocol"] == "harness"
            }
        )
    changed = {key for key in right[0] if right[0][key] != right[1][key]}
    assert {(pair.subject, pair.question) for pair in outcome.changed} == changed
    assert outcome.whole.gained + outcome.whole.lost == len(changed)
    assert sum(one.gained for one in outcome.subjects.values()) == outcome.whole.gained


def test_asked_until_it_is_clear_or_to_the_end(
    starter: Examined, coarse: Examined, tmp_path: Path
) -> None:
    data = write_exam(tmp_path / "exam", {"anatomy": 70, "astronomy": 60})
    choices = Choices(str(data), ("harness",), shots=0)
    a = read_run(evaluate(starter, choices).run)
    early = compare_until_clear(a, starter, choices, margin=0.6)
    assert early.known is not None and early.known.asked == 64
    assert early.gate is not None and early.gate.passed and early.changed == ()
    assert early.whole.p_value is None and early.whole.low == early.known.low
    late = compare_until_clear(a, coarse, choices, margin=0.0)
    b = read_run(evaluate(coarse, choices).run)
    whole = compare_runs(a, b)
    assert late.known is not None and late.gate is not None
    if late.known.asked == 130:
        assert late.gate.bound == pytest.approx(whole.whole.difference)
        assert (late.whole.a, late.whole.b) == (whole.whole.a, whole.whole.b)
    assert late.known.low - 1e-9 <= whole.whole.difference <= late.known.high + 1e-9
    with pytest.raises(UsageError, match="was asked other questions"):
        compare_until_clear(a, coarse, replace(choices, limit=50))


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not here")
def test_runs_of_programs_are_compared_by_question(starter: Examined, tmp_path: Path) -> None:
    file = write(tmp_path / "own.jsonl", [adding(number) for number in range(3)])
    programs = Programs(str(file), max_tokens=16, limits=Limits(seconds=1))
    several = replace(programs, samples=2, temperature=0.5)
    a, b = (read_run(write_programs(starter, one).run) for one in (programs, several))
    outcome = compare_runs(a, b, margin=1.0)
    assert outcome.protocol is None and outcome.subjects == {}
    assert outcome.whole.a.questions == 3 and outcome.whole.p_value is not None
    assert outcome.gate is not None


def test_the_command_tells_and_gates(starter: Examined, choices: Choices) -> None:
    name = evaluate(starter, choices).run.name
    passed = CliRunner().invoke(app, ["compare", name, name, "--gate", "20", "--changes"])
    assert passed.exit_code == 0
    assert "formal logic" in passed.stdout and "gate passed" in passed.stdout
    done = CliRunner().invoke(app, ["compare", name, name, "--gate", "1", "--json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["gate"]["passed"] is False and told["whole"]["difference"] == 0
    assert told["whole"]["a"]["questions"] == 21 and told["changed"] == []


def test_what_cannot_be_compared_is_refused(
    starter: Examined, choices: Choices, tmp_path: Path
) -> None:
    run = evaluate(starter, choices).run
    a = read_run(run)
    assert find(run.name) == run == find(str(run)) and find("starter") is None
    others = read_run(evaluate(starter, replace(choices, shots=1, protocols=("qlora",))).run)
    with pytest.raises(UsageError, match="shots differ"):
        compare_runs(a, others)
    limited = read_run(evaluate(starter, replace(choices, limit=9)).run)
    with pytest.raises(UsageError, match="data differ"):
        compare_runs(a, limited)
    with pytest.raises(UsageError, match="not both runs have the protocol helm"):
        compare_runs(a, a, "helm")
    (run / SCORES_FILE).unlink()
    with pytest.raises(UsageError, match="is not whole"):
        read_run(run)
