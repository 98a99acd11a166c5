"""Numbers that somebody measured, and the figures that they are held against."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import UsageError
from assistant.model_specs import load_registry
from assistant_eval.diagnosis.bands import perplexities, published, quantization_loss
from assistant_eval.diagnosis.claims import claimed, read_results
from assistant_eval.diagnosis.questions.sitting import Sat

OLD: dict[str, Any] = {
    "results": {
        "hendrycksTest-anatomy": {"acc": 0.3, "acc_norm": 0.4},
        "hendrycksTest-virology": {"acc": 0.2, "acc_norm": 0.5},
    },
    "versions": {"hendrycksTest-anatomy": 0, "hendrycksTest-virology": 0},
    "config": {"num_fewshot": 5, "limit": None},
}
NEW: dict[str, Any] = {
    "results": {
        "mmlu": {"acc,none": 0.9, "alias": "mmlu"},
        "mmlu_anatomy": {"acc,none": 0.4, "acc_stderr,none": 0.04},
        "mmlu_virology": {"acc,none": 0.6},
    },
    "versions": {"mmlu": 2, "mmlu_anatomy": 1.0, "mmlu_virology": 1.0},
    "n-shot": {"mmlu_anatomy": 0, "mmlu_virology": 0},
    "config": {"limit": 10.0},
}


def written(content: Any, folder: Path) -> Path:
    file = folder / "results.json"
    file.write_text(json.dumps(content))
    return file


def test_the_old_harness_compared_texts_until_its_version_1(tmp_path: Path) -> None:
    acc = read_results(written(OLD, tmp_path), None)
    assert (acc.value, acc.protocol, acc.shots, acc.measure) == (25.0, "old-harness", 5, "acc")
    norm = read_results(written(OLD, tmp_path), 44.0)
    assert (norm.value, norm.measure) == (45.0, "acc_norm")
    newer = OLD | {"versions": dict.fromkeys(OLD["versions"], 1)}
    assert read_results(written(newer, tmp_path), None).protocol == "harness"


def test_the_harness_of_today_says_how_many_examples(tmp_path: Path) -> None:
    found = read_results(written(NEW, tmp_path), None)
    assert (found.value, found.protocol, found.shots) == (50.0, "harness", 0)
    assert found.questions == 20


@pytest.mark.parametrize(
    "content", [[], {"results": {"arc": {"acc": 1}}}, {"results": []}, "x", {}]
)
def test_what_is_no_results_file_is_refused(content: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"results\.json"):
        read_results(written(content, tmp_path), None)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_results(tmp_path / "none.json", None)


def test_a_share_is_a_percentage_too() -> None:
    assert claimed(0.352).value == pytest.approx(35.2)
    assert claimed(35.2).value == 35.2
    for wrong in (-1, 101, float("nan")):
        with pytest.raises(UsageError, match="from 0 to 100"):
            claimed(wrong)


@given(st.integers(1, 300), st.integers(0, 300))
def test_where_all_are_asked_nothing_is_left_to_chance(count: int, right: int) -> None:
    sat = Sat({"anatomy": tuple(number < right for number in range(count))}, 0, 0)
    assert sat.stderr(count) == 0
    assert 0 <= sat.stderr(14_042) <= 50 / count**0.5


def test_published_figures_have_sources_and_the_registry_s_sizes() -> None:
    assert all(one.source and 0 < one.score < 100 for one in published())
    for name, score in {"llama-7b": 35.1, "llama-13b": 46.9, "llama-65b": 63.4}.items():
        size = load_registry()[name].parameters
        own = [one for one in published() if one.is_of(size)]
        assert score in [one.score for one in own]
        # A size's faithful figures are apart from what the old harness made of it.
        assert all(one.score < 50 or one.faithful for one in own)
        assert any(one.parameters == pytest.approx(size, rel=0.03) for one in perplexities())
    assert all(one.healthy < one.broken and one.source for one in perplexities())
    assert 0 < quantization_loss().most < 5
