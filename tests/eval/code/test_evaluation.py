"""From a file of questions to programs, verdicts, scores and a page."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import paths
from assistant.errors import AssistantError, UsageError
from assistant.registry import STARTER, locate
from assistant_eval.code.answers import Answer
from assistant_eval.code.evaluation import Choices, Outcome, evaluate
from assistant_eval.code.programs import program_of
from assistant_eval.code.sandbox import Limits, Sandbox
from assistant_eval.code.tasks import Task
from assistant_eval.listening import Listener
from assistant_eval.model import Examined
from assistant_eval.runs import ANSWERS_FILE, PASSPORT_FILE, REPORT_FILE, SCORES_FILE, Run
from tests.engine import tiny
from tests.eval.code.questions import adding, write

EASY = Task(
    "Easy/0",
    'def length(items):\n    """How many items there are."""\n    return len(',
    "length",
    "items)\n",
    "def check(candidate):\n    assert candidate([3, 4, 5]) == 3\n",
)
SHORT = Limits(seconds=1)
pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture(scope="module")
def examined() -> Examined:
    return Examined(locate(STARTER), device="cpu")


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tasks = [EASY, *(adding(number) for number in range(5))]
    return write(tmp_path_factory.mktemp("questions") / "own.jsonl.gz", tasks)


def answers(outcome: Outcome) -> list[Answer]:
    return [Answer.from_fields(fields) for fields in Run(outcome.run).answers()]


def test_what_passes_is_right_and_what_does_not_is_told(
    examined: Examined, questions: Path, sandbox: Sandbox
) -> None:
    outcome = evaluate(examined, Choices(str(questions), max_tokens=24, limits=SHORT))
    found = answers(outcome)
    assert [one.task for one in found] == ["Easy/0", *(f"Adding/{n}" for n in range(5))]
    assert found[0].passed, found[0]
    scope: dict[str, object] = {}
    exec(program_of(EASY, found[0].text, "text"), scope)
    length = scope["length"]
    assert callable(length) and length([7, 8]) == 2
    assert outcome.scores.pass_at[1].questions == 6
    assert outcome.scores.pass_at[1].accuracy == sum(one.passed for one in found) / 6
    assert sum(outcome.scores.kinds.values()) == 6
    assert outcome.passport["style"] == "text"
    assert outcome.run.parent == paths.evaluations_dir()
    page = (outcome.run / REPORT_FILE).read_text()
    assert page.count('<details class="task') == 6 and "assert candidate([3, 4, 5]) == 3" in page


class Killed(BaseException):
    """What ends a run that is not asked whether it wants to."""


def test_a_run_that_was_interrupted_ends_with_the_same_bytes(
    examined: Examined, questions: Path, tmp_path: Path
) -> None:
    choices = Choices(
        str(questions), samples=4, temperature=0.8, max_tokens=16, limits=SHORT, seed=7
    )
    whole = evaluate(examined, replace(choices, output=tmp_path / "whole"))
    assert len({one.text for one in answers(whole)}) > 6

    def kill(done: int, _: int) -> None:
        if done:
            raise Killed

    broken = replace(choices, output=tmp_path / "broken")
    with pytest.raises(Killed):
        evaluate(examined, broken, Listener(answered=kill))
    with (tmp_path / "broken" / ANSWERS_FILE).open("ab") as file:
        file.write(b'{"task": "Adding/3", "num')
    said: list[str] = []
    evaluate(examined, broken, Listener(remark=said.append))
    assert said == ["16 of 24 were written before"]
    for name in (ANSWERS_FILE, SCORES_FILE, REPORT_FILE, PASSPORT_FILE):
        assert (tmp_path / "broken" / name).read_bytes() == (whole.run / name).read_bytes(), name
    with pytest.raises(UsageError, match=r"temperature were different|seed were different"):
        evaluate(examined, replace(broken, seed=8))


def test_a_run_that_is_whole_loads_nothing(examined: Examined, questions: Path) -> None:
    choices = Choices(str(questions), max_tokens=4, limit=2, limits=SHORT)
    first = evaluate(examined, choices)
    said: list[str] = []
    assert evaluate(examined, choices, Listener(say=said.append)) == first
    assert not any("loading" in line for line in said)


def test_questions_that_nobody_can_solve_are_named(examined: Examined, tmp_path: Path) -> None:
    hopeless = replace(adding(1), name="Hopeless/0", canonical_solution="    return 0\n")
    file = write(tmp_path / "own.jsonl", [adding(2), hopeless])
    said: list[str] = []
    evaluate(
        examined,
        Choices(str(file), max_tokens=4, limits=SHORT),
        Listener(remark=said.append),
    )
    assert len(said) == 1
    assert re.search(r"1 of 2 questions cannot be solved here.*Hopeless/0", said[0])


def test_a_chat_model_is_asked_in_its_format(tmp_path: Path, questions: Path) -> None:
    folder = tiny.save_llama(tmp_path / "tiny")
    examined = Examined(tiny.local_model(folder, chat_format="template"), device="cpu")
    choices = Choices(str(questions), style="chat", max_tokens=8, limit=2, limits=SHORT)
    outcome = evaluate(examined, choices)
    assert outcome.passport["style"] == "chat" and outcome.passport["stop"] == []
    plain = evaluate(examined, replace(choices, style="text"))
    assert plain.passport["ids_sha256"] != outcome.passport["ids_sha256"]
    assert outcome.scores.pass_at[1].accuracy == 0
    told = json.loads((outcome.run / SCORES_FILE).read_text())
    assert told["passed"] == {"Easy/0": 0, "Adding/0": 0}


def test_without_a_sandbox_nothing_is_run(
    examined: Examined, questions: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssistantError, match="apt install bubblewrap"):
        evaluate(examined, Choices(str(questions)))
    assert not paths.evaluations_dir().exists()


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(UsageError, match=r"give a --temperature.*limit must be a number"):
        Choices(samples=5, limit=0)
