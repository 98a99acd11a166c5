import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import engine
from bench.engine import Sizes
from bench.peers.models import LLAMA, OURS, Setup
from bench.peers.ours import Ours
from bench.peers.task import Task
from bench.peers.texts import Texts, edited
from bench.peers.worker import Worker
from bench.targets import Target


@pytest.fixture(scope="module")
def ours(small: Path) -> Iterator[Ours]:
    contender = Ours(str(small))
    yield contender
    contender.close()


def test_an_edit_repeats_four_fifths() -> None:
    texts = Texts()
    question = texts.take(1000)
    answer, repeated = edited(question, texts, seed=3)
    assert len(answer) == len(question)
    assert repeated == pytest.approx(0.8, abs=0.04)
    assert edited(question, Texts(), seed=3)[1] == repeated


def test_told_answers_are_made_token_by_token(ours: Ours) -> None:
    texts = Texts()
    question = texts.take(120)
    answer, _ = edited(question, texts, seed=0)
    before = ours.passes
    plain = ours.answer(Task(question, answer))
    assert plain.tokens == len(answer)
    assert plain.accepted == 0
    assert ours.passes - before == len(answer)
    guessed = ours.answer(Task(question, answer, guess=True))
    assert guessed.tokens == len(answer)
    assert guessed.accepted > len(answer) // 2
    assert ours.passes - before == 2 * len(answer) - guessed.accepted


def test_a_completion_is_counted_in_passes(ours: Ours) -> None:
    texts = Texts()
    prompts = [texts.take(20) for _ in range(8)]
    answers = [texts.take(100) for _ in range(8)]
    found = ours.arrive(prompts, answers, texts.take(20), texts.take(3))
    assert found["running"] == 8
    assert found["passes"] >= 1


def test_the_bench_prints_one_object_and_its_verdict(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("llama_cpp")

    def made(folder: Path) -> Setup:
        from gguf import GGMLQuantizationType

        from bench.peers.gguf_file import write_gguf

        file = write_gguf(small, folder / "small.gguf", GGMLQuantizationType.Q4_0)
        return Setup("1b", {OURS: ("ours", str(small)), LLAMA: ("llama.cpp", str(file))})

    monkeypatch.setattr(engine, "MODELS", {"1b": made})
    monkeypatch.setattr(engine, "Sizes", lambda: Sizes(64, 8, 32, 8))
    arguments = ["--model", "1b", "--quick", "--folder", str(tmp_path), "--json"]
    monkeypatch.setattr("sys.argv", ["engine.py", *arguments])
    code = engine.main()
    found = json.loads(capsys.readouterr().out)
    assert set(found["ratios"]) == {f"1b_{name}" for name in engine.TARGETS}
    for name, ratio in found["ratios"].items():
        assert ratio["target"] == engine.TARGETS[name.removeprefix("1b_")].value
    assert code == (0 if all(ratio["holds"] for ratio in found["ratios"].values()) else 1)
    table = "\n".join(engine.table(found["models"], found["ratios"]))
    assert "small.gguf" in table
    assert all(name in table for name in found["ratios"])


def test_a_contender_that_cannot_run_says_why() -> None:
    pytest.importorskip("llama_cpp")
    with pytest.raises(RuntimeError, match=r"the contender llama\.cpp ended: .*nowhere"):
        Worker("llama.cpp", "./nowhere")


def test_targets_hold_on_their_side() -> None:
    assert Target(3.0).holds(3.0) and not Target(3.0).holds(2.9)
    assert Target(1.3, at_most=True).holds(1.3) and not Target(1.3, at_most=True).holds(1.4)
