"""From a project to figures: of the base, and of an adapter beside it."""

import json
from pathlib import Path

import pytest

from assistant.registry import LocalModel
from assistant_eval.completion.evaluation import Choices, evaluate
from assistant_eval.completion.measures import Suggested, figures_of
from assistant_eval.listening import Listener
from assistant_eval.model import Examined
from tests.engine import tiny
from tests.eval.completion.projects import TRAINED, write_project


def suggested(wanted: str, text: str) -> Suggested:
    return Suggested(wanted, text, 0.5)


@pytest.mark.parametrize(
    ("wanted", "text", "right", "saved"),
    [
        ("return total", "return total", True, 11),
        ("return total", "return  total", False, 0),
        ("return total", "", False, 0),
        ("total = 1\n    return total", "total = 1  \n    return total", True, 25),
        ("total = 1\n    return total", "total = 1\n    return 1", False, 8),
        ("total = 1\n    return total", "total = 1", False, 8),
        ("x = 1\ny = 2", "y = 1\ny = 2", False, 0),
    ],
)
def test_a_suggestion_is_right_or_saves_whole_lines(
    wanted: str, text: str, right: bool, saved: int
) -> None:
    one = suggested(wanted, text)
    assert (one.right, one.saved) == (right, saved)
    assert 0 <= one.similarity <= 1
    assert (one.similarity == 1) == right


def test_figures_are_those_of_all_places() -> None:
    figures = figures_of([suggested("abcd", "abcd"), suggested("efgh", "efxx")])
    assert figures.right.accuracy == 0.5
    assert figures.similarity == pytest.approx((1 + 2 * 2 / 8) / 2)
    assert figures.saved == pytest.approx(100 * 3 / 8)
    assert figures.milliseconds == 500


def test_base_and_adapter_are_asked_the_same(llama: Path, tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    adapter = tiny.save_adapter(llama, tmp_path / "mine")
    examined = Examined(LocalModel("tiny", llama, adapter), device="cpu")
    choices = Choices(project, places=3, since=TRAINED, output=tmp_path / "run")
    outcome = evaluate(examined, choices)
    assert [(one.model, one.kind) for one in outcome.found] == [
        ("base", "line"),
        ("base", "block"),
        ("mine", "line"),
        ("mine", "block"),
    ]
    assert [one.figures.right.questions for one in outcome.found] == [3, 2, 3, 2]
    places = [json.loads(line) for line in (tmp_path / "run" / "places.jsonl").open()]
    assert any(place["base"] != place["mine"] for place in places)
    for place in places:
        assert place["base"].count("\n") <= place["wanted"].count("\n")

    heard: list[int] = []
    again = evaluate(examined, choices, Listener(answered=lambda done, _: heard.append(done)))
    assert again.found == outcome.found
    assert set(heard) == {10}  # nothing was asked again
