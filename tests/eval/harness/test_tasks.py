"""The library's tasks come out for our engine as they do for the library's own model."""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from assistant.errors import UsageError
from assistant.registry import LocalModel
from assistant_eval.harness.evaluation import Choices, Outcome, Result, evaluate, results_of
from assistant_eval.listening import Listener
from assistant_eval.model import Examined
from tests.eval.harness.tasks import ANSWER, CHOICE, TEXT, write_tasks

NAMES = (CHOICE, ANSWER, TEXT)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tasks(tmp_path_factory.mktemp("tasks") / "own")


def examined(llama: Path) -> Examined:
    return Examined(LocalModel("tiny", llama), device="cpu", dtype=torch.float32)


@pytest.fixture(scope="module")
def ours(llama: Path, tasks: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    output = tmp_path_factory.mktemp("runs") / "ours"
    return evaluate(examined(llama), Choices(NAMES, tasks, shots=2, output=output))


@pytest.fixture(scope="module")
def theirs(llama: Path, tasks: Path) -> dict[str, Any]:
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    make_model: Any = HFLM
    found: Any = simple_evaluate(
        model=make_model(pretrained=str(llama), dtype="float32", device="cpu", batch_size=2),
        tasks=list(NAMES),
        num_fewshot=2,
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
        bootstrap_iters=0,
    )
    return dict(found)


def samples(run: Path) -> Iterator[dict[str, Any]]:
    for line in (run / "questions.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)


def values(results: Iterable[Result]) -> dict[tuple[str, str], float]:
    return {(one.task, one.metric): one.value for one in results}


def test_every_figure_is_the_library_s(ours: Outcome, theirs: dict[str, Any]) -> None:
    found, expected = values(ours.results), values(results_of(theirs))
    assert found.keys() == expected.keys()
    assert {task for task, _ in found} == set(NAMES)
    for name, value in found.items():
        assert value == pytest.approx(expected[name], rel=1e-4), name


def test_every_answer_is_the_library_s(ours: Outcome, theirs: dict[str, Any]) -> None:
    expected = {
        (task, one["doc_id"]): one["resps"]
        for task, ones in theirs["samples"].items()
        for one in ones
    }
    seen = 0
    for one in samples(ours.run):
        for mine, their in zip(one["resps"], expected[one["task"], one["doc_id"]], strict=True):
            seen += 1
            if one["task"] == CHOICE:
                assert mine[0][0] == pytest.approx(their[0][0], abs=1e-3)
                assert mine[0][1] == their[0][1]
            elif one["task"] == TEXT:
                assert mine[0] == pytest.approx(their[0], rel=1e-5)
            else:
                assert mine == their
    assert seen == 9 * 3 + 9 + 9


def test_a_run_that_was_broken_off_goes_on(llama: Path, tasks: Path, ours: Outcome) -> None:
    class Broken(Exception):
        pass

    def stop(done: int, count: int) -> None:
        if 0 < done < count:
            raise Broken

    again = ours.run.parent / "again"
    choices = Choices(NAMES, tasks, shots=2, output=again)
    with pytest.raises(Broken):
        evaluate(examined(llama), choices, Listener(answered=stop))
    kept = sum(file.read_bytes().count(b"\n") for file in again.glob("answers-*.jsonl"))
    assert kept > 0
    heard: list[int] = []
    evaluate(examined(llama), choices, Listener(answered=lambda done, _: heard.append(done)))
    assert 0 not in heard[:1]
    for file in sorted(ours.run.glob("*.json*")):
        assert (again / file.name).read_bytes() == file.read_bytes(), file.name


def test_other_data_is_not_mixed_in(
    llama: Path, tasks: Path, ours: Outcome, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    shutil.copytree(ours.run, again)
    answers = again / "answers-1.jsonl"
    answers.write_text(answers.read_text("utf-8").replace('"asked": "', '"asked": "0', 1), "utf-8")
    with pytest.raises(UsageError, match="begun with other data"):
        evaluate(examined(llama), Choices(NAMES, tasks, shots=2, output=again))
    with pytest.raises(UsageError, match="shots were different"):
        evaluate(examined(llama), Choices(NAMES, tasks, shots=1, output=again))


def test_all_unknown_tasks_are_named_at_once(llama: Path, tasks: Path, tmp_path: Path) -> None:
    wanted = Choices(("own_choise", CHOICE, "arc_esy"), tasks, output=tmp_path / "run")
    with pytest.raises(UsageError) as caught:
        evaluate(examined(llama), wanted)
    told = str(caught.value)
    assert "own_choise: there is own_choice" in told
    assert "arc_esy: there is arc_easy" in told
    assert not (tmp_path / "run").exists()


def test_data_that_cannot_be_had_is_said(llama: Path, tmp_path: Path) -> None:
    folder = write_tasks(tmp_path / "own")
    (folder / "rows.jsonl").unlink()
    with pytest.raises(UsageError, match="the data of a task cannot be had"):
        evaluate(examined(llama), Choices((CHOICE,), folder, output=tmp_path / "run"))
