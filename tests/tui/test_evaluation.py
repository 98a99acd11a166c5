"""Evaluations in the terminal: listed, read, compared, diagnosed, started and stopped."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import Input, SelectionList, Static

from assistant import paths
from assistant.config import Settings
from assistant_eval.mmlu.protocols import PROTOCOLS as KNOWN
from assistant_tui.dialogs import Choose
from assistant_tui.evaluation.forms import PROTOCOLS, DiagnosisForm, MmluForm
from tests.eval.exams import write_exam
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import running
from tests.tui.evaluations import Evaluations, right, write_diagnosis, write_mmlu

HOLDS = """
import sys, time
from pathlib import Path
from assistant_eval.runs import Run
with Run(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(1000)
"""


@pytest.fixture
async def evaluations(folder: Path, model: ScriptedModel) -> AsyncIterator[Evaluations]:
    async with running(folder, Settings(server_url=model.url), size=(110, 40)) as home:
        yield Evaluations(home)


async def test_runs_are_listed_and_their_scores_shown_by_subject(evaluations: Evaluations) -> None:
    both = ("harness", "old-harness")
    write_mmlu("old", right(anatomy=3, astronomy=9), adapter="mine", protocols=both)
    write_mmlu("new", right(anatomy=1), model="tiny[b]", quantization="int4", days=1, answered=4)
    await evaluations.enter()
    listed = evaluations.listed
    assert listed[0] == "tiny[b]@int4" and "‖ 40 %" in listed[1]
    assert listed[2] == "starter+mine" and "60.0 ± 11.2" in listed[3]
    assert "It was interrupted" in evaluations.shown and "4 of 10" in evaluations.shown
    await evaluations.press("down")
    await evaluations.until_shown("macro (subjects)")
    shown = evaluations.shown
    assert "30.0 ±15.3" in shown and "90.0 ±10.0" in shown and "25 chance" in shown
    assert shown.index("astronomy") < shown.index("anatomy")
    await evaluations.press("s")
    await evaluations.until(
        lambda: evaluations.shown.index("anatomy") < evaluations.shown.index("astronomy")
    )
    assert "harness  old-harness acc  old-harness acc_norm" in evaluations.shown


async def test_the_protocol_is_changed(evaluations: Evaluations) -> None:
    path = write_mmlu("run", right(anatomy=3), protocols=("harness", "helm"))
    scores = json.loads((path / "scores.json").read_text())
    scores[1]["unanswered"] = 7
    (path / "scores.json").write_text(json.dumps(scores))
    await evaluations.enter()
    await evaluations.until_shown("macro (subjects)")
    assert "7 questions were answered by no letter" not in evaluations.shown
    await evaluations.press("p")
    await evaluations.until_shown("7 questions were answered by no letter")


async def test_two_runs_are_compared_by_the_command(evaluations: Evaluations) -> None:
    write_mmlu("a", right(anatomy=1, astronomy=5))
    write_mmlu("b", right(anatomy=9, astronomy=5), quantization="int4", days=1)
    await evaluations.enter()
    await evaluations.press("down", "space", "up", "space")
    await evaluations.until_shown("B is better.")
    shown = evaluations.shown
    assert "B - A is +40.0 points; with 95 % confidence it lies between +" in shown
    assert "8 times in a thousand" in shown and "McNemar's test" in shown
    assert "anatomy 2, anatomy 3" in shown  # people count questions from 1
    assert "90.0  +80.0" in shown and "50.0   +0.0" in shown
    await evaluations.press("escape")
    await evaluations.until_shown("macro (subjects)")


async def test_runs_on_other_questions_are_refused_in_words(evaluations: Evaluations) -> None:
    path = write_mmlu("a", right(anatomy=1))
    passport = json.loads((path / "passport.json").read_text())
    (path / "passport.json").write_text(json.dumps({**passport, "shots": 0}))
    write_mmlu("b", right(anatomy=2), days=-1)
    await evaluations.enter()
    await evaluations.press("space", "down", "space")
    said = evaluations.home
    await evaluations.until(lambda: any("did not answer the same" in one for one in said.said))
    await evaluations.until_shown("macro (subjects)")


async def test_the_last_diagnosis_is_there_again(evaluations: Evaluations) -> None:
    write_diagnosis()
    write_mmlu("run", right(anatomy=3))
    await evaluations.enter()
    await evaluations.until(lambda: evaluations.screen._diagnosis is not None)
    await evaluations.press("d")
    await evaluations.until_shown("wrong size: predicted 40 layers of 5,120; seen 32 layers")
    shown = evaluations.shown
    assert "what to do  get the right size" in shown and "vicuna-13b, 2 Mar 2026" in shown
    assert "seen       32 layers of 4,096, the shape of [vicuna-7b]" in shown
    assert "✓ batches  64 answers agree" in shown and "· g_idx  nothing is quantized" in shown
    await evaluations.press("d")
    await evaluations.home.until(lambda: isinstance(evaluations.home.app.screen, DiagnosisForm))


async def test_what_cannot_be_asked_is_said_before_and_after(evaluations: Evaluations) -> None:
    home = evaluations.home
    await home.press("f8")
    await home.until(lambda: home.app.screen is evaluations.screen)
    await home.press("n")
    await home.until(lambda: isinstance(home.app.screen, MmluForm))
    form = home.app.screen
    form.query_one("#shots", Input).value = "9"
    await home.press("ctrl+s")
    problem = form.query_one(".problem", Static)
    await home.until(lambda: "from 0 to 5" in str(problem.render()))
    form.query_one("#shots", Input).value = ""
    form.query_one("#model", Input).value = "./nothing"
    await home.press("ctrl+s")
    await evaluations.until(lambda: any("there is no folder ./nothing" in one for one in home.said))
    await home.press("n")
    await home.until(lambda: isinstance(home.app.screen, MmluForm))
    assert home.app.screen.query_one("#model", Input).value == "./nothing"


async def test_a_run_of_another_process_is_stopped(evaluations: Evaluations) -> None:
    path = write_mmlu("run", right(anatomy=3), answered=4)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None and process.stdout.readline()
        await evaluations.enter()
        await evaluations.until_shown("It is under way.")
        await evaluations.press("x")
        home = evaluations.home
        await home.until(lambda: isinstance(home.app.screen, Choose))
        await home.press("down", "enter")
        await evaluations.until_shown("It was interrupted.")
        assert process.wait(10) != 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.e2e
async def test_the_starter_sits_an_exam_is_killed_and_goes_on(
    evaluations: Evaluations, tmp_path: Path
) -> None:
    exam = write_exam(tmp_path / "exam", {"anatomy": 3, "astronomy": 2})
    home = evaluations.home
    await home.press("f8")
    await home.until(lambda: home.app.screen is evaluations.screen)
    await home.press("n")
    await home.until(lambda: isinstance(home.app.screen, MmluForm))
    form = home.app.screen
    form.query_one("#data", Input).value = str(exam)
    form.query_one("#shots", Input).value = "1"
    form.query_one(SelectionList).select("helm")
    await home.press("ctrl+s")
    await evaluations.until(lambda: evaluations.screen.run is not None)
    await evaluations.until_shown("macro (subjects)")
    run = evaluations.screen.run
    assert run is not None and run.protocols == ("harness", "helm") and run.shots == 1
    answers = (run.path / "answers.jsonl").read_bytes()
    # As kill -9 leaves it: some answers, a part of another, no scores.
    (run.path / "answers.jsonl").write_bytes(answers[: len(answers) // 2])
    (run.path / "scores.json").unlink()
    evaluations.screen.look()
    await evaluations.until_shown("It was interrupted.")
    await evaluations.press("c")
    await evaluations.until_shown("macro (subjects)")
    assert (run.path / "answers.jsonl").read_bytes() == answers
    assert len(list(paths.evaluations_dir().iterdir())) == 1


async def test_nothing_is_kept_yet(evaluations: Evaluations) -> None:
    home = evaluations.home
    await home.press("f8")
    none = evaluations.screen.query_one("#no-runs")
    await home.until(lambda: none.display)
    await home.press("p", "s", "o", "space", "enter", "escape")
    await home.until(lambda: home.app.screen is home.app.notes)


def test_the_form_has_every_protocol() -> None:
    assert tuple(KNOWN) == PROTOCOLS
