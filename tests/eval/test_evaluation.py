"""From a folder of questions to answers, scores and a page."""

import importlib.metadata
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from assistant import paths
from assistant.errors import UsageError
from assistant.registry import STARTER, LocalModel, locate
from assistant_eval.listening import Listener
from assistant_eval.mmlu.answers import Answer
from assistant_eval.mmlu.evaluation import Choices, Outcome, evaluate
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.model import Examined
from assistant_eval.runs import ANSWERS_FILE, SCORES_FILE, Run
from tests.engine import tiny
from tests.eval.exams import rows, subject, write_rows


@pytest.fixture(scope="module")
def examined() -> Examined:
    return Examined(locate(STARTER), device="cpu", dtype=torch.float32)


def answers(outcome: Outcome) -> list[Answer]:
    return [Answer.from_fields(fields) for fields in Run(outcome.run).answers()]


def test_all_protocols_from_one_run(examined: Examined, folder: Path) -> None:
    outcome = evaluate(examined, Choices(str(folder), tuple(PROTOCOLS)))
    found = answers(outcome)
    asked = {(one.protocol, one.subject, one.number) for one in found}
    assert len(asked) == len(found) == 21 * len(PROTOCOLS)
    assert outcome.run.parent == paths.evaluations_dir()
    by = {(one.protocol, one.subject, one.number): one for one in found}
    for protocol, name, number in asked:
        one = by[protocol, name, number]
        if one.likelihoods is not None:
            best = max(range(4), key=[value or 0.0 for value in one.likelihoods].__getitem__)
            assert one.predicted["acc"] == "ABCD"[best]
        if protocol == "original":
            # The same prompt: the first token that is written is the likeliest of all.
            wrote = by["instruct-eval", name, number].predicted["acc"]
            assert wrote in (None, one.predicted["acc"])
    said = json.loads((outcome.run / SCORES_FILE).read_text())
    assert [one["micro"]["questions"] for one in said] == [21] * 7


def test_several_protocols_at_once_answer_as_each_alone(examined: Examined, folder: Path) -> None:
    names = ("original", "old-harness", "helm")
    together = answers(evaluate(examined, Choices(str(folder), names)))
    for name in names:
        alone = answers(evaluate(examined, Choices(str(folder), (name,))))
        same = [one for one in together if one.protocol == name]
        order = {(one.subject, one.number): one for one in alone}
        assert len(alone) == len(same)
        for one in same:
            other = order[one.subject, one.number]
            assert one.predicted == other.predicted and one.text == other.text
            assert one.likelihoods == pytest.approx(other.likelihoods, abs=1e-4)


def test_the_same_run_is_not_asked_again(examined: Examined, folder: Path) -> None:
    choices = Choices(str(folder), subjects=("anatomy",))
    first = evaluate(examined, choices)
    before = (first.run / ANSWERS_FILE).stat().st_mtime_ns
    said: list[str] = []
    second = evaluate(examined, choices, Listener(say=said.append))
    assert second == first
    assert not any("loading" in line for line in said)
    assert (first.run / ANSWERS_FILE).stat().st_mtime_ns == before
    assert evaluate(examined, replace(choices, shots=3)).run != first.run


def test_another_passport_is_another_run(
    examined: Examined, folder: Path, llama: Path, tmp_path: Path
) -> None:
    choices = Choices(str(folder), subjects=("anatomy",), output=tmp_path / "run")
    evaluate(examined, choices)
    with pytest.raises(UsageError, match=r"holds another evaluation: .*shots"):
        evaluate(examined, replace(choices, shots=0))
    other = replace(examined, local=LocalModel("starter", llama))
    with pytest.raises(UsageError, match=r"model\.weights_sha256"):
        evaluate(other, choices)


def test_the_passport_says_what_was_measured(llama: Path, folder: Path, tmp_path: Path) -> None:
    adapter = tiny.save_adapter(llama, tmp_path / "adapter")
    examined = Examined(LocalModel("tiny", llama, adapter), device="cpu")
    found = evaluate(examined, Choices(str(folder), ("harness", "qlora"), shots=2)).passport
    plain = replace(examined, local=LocalModel("tiny", llama)).identity()
    assert found["model"]["weights_sha256"] == plain["weights_sha256"]
    assert plain["adapter_sha256"] is None and found["model"]["adapter_sha256"] is not None
    harness, qlora = found["protocols"]["harness"], found["protocols"]["qlora"]
    tokenizer = examined.tokenizer
    assert qlora["bos_id"] == tokenizer.token_id("{bos}")
    assert harness["bos_id"] is None  # this tokenizer adds none by itself
    assert harness["compared_ids"].keys() == set("ABCD")
    assert harness["prompts_by_shots"] == {"2": 21}
    assert harness["prompts_sha256"] != qlora["prompts_sha256"]
    assert found["versions"]["torch"] == importlib.metadata.version("torch")
    assert found["data"]["questions"] == 21


def test_an_adapter_is_measured_with_its_model(llama: Path, folder: Path, tmp_path: Path) -> None:
    adapter = tiny.save_adapter(llama, tmp_path / "adapter")
    found = [
        answers(evaluate(Examined(LocalModel("tiny", llama, one), device="cpu"), choices))
        for choices in [Choices(str(folder), subjects=("astronomy",), shots=1)]
        for one in (None, adapter)
    ]
    assert [one.likelihoods for one in found[0]] != [one.likelihoods for one in found[1]]


def test_a_broken_model_answers_with_no_number(llama: Path, folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    broken.mkdir()
    for file in llama.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"].fill_(float("nan"))
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    choices = Choices(str(folder), subjects=("anatomy",), shots=0)
    outcome = evaluate(Examined(LocalModel("broken", broken), device="cpu"), choices)
    assert {one.likelihoods for one in answers(outcome)} == {(None,) * 4}
    assert {one.predicted["acc"] for one in answers(outcome)} == {"A"}
    assert "no number" in outcome.report.read_text()


def test_all_wrong_choices_are_named() -> None:
    with pytest.raises(UsageError) as error:
        Choices(protocols=("harnes", "helm"), shots=6, limit=0)
    for problem in ("no protocol is called harnes", "shots must be", "limit must be"):
        assert problem in str(error.value)


def test_the_page_shows_every_question_and_needs_nothing(
    examined: Examined, tmp_path: Path
) -> None:
    made = rows(subject("anatomy", 3).questions)
    made[1] = ("<script>alert(1)</script> & more", *made[1][1:])
    write_rows(tmp_path / "test" / "anatomy_test.csv", made)
    choices = Choices(str(tmp_path), ("harness", "old-harness", "helm"), shots=0)
    outcome = evaluate(examined, choices)
    page = outcome.report.read_text()
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert not re.search(r"(src|href)=|url\(|@import", page)
    assert page.count('<details class="question') == 3
    for one in answers(outcome):
        for value in one.likelihoods or ():
            assert f"{value:.3f}" in page
    for name in ("weights_sha256", "compared_ids", "prompts_by_shots"):
        assert name in page
