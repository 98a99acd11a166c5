"""The contenders of the bench of MMLU answer the same questions by the same letters."""

from pathlib import Path

import pytest

from bench.mmlu_throughput import SUBJECT, measure, medians, ratios
from bench.peers.mmlu.made_up import write_exam


def test_both_answer_every_question_alike(small: Path, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    data = write_exam(tmp_path, SUBJECT, 3)
    runs = measure(small, data, "float32", 1, rounds=1)
    assert {one["questions"] for one in runs[0].values()} == {3}
    found = ratios(runs, "float32")
    assert set(found) == {"speed", "memory", "same letters"}
    assert found["same letters"]["value"] == 1
    assert all(row["questions_per_second"] > 0 for row in medians(runs).values())
