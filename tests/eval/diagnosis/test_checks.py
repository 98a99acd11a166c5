"""What single checks see, and that what cannot be looked at is never called good."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from assistant.engine.linear.int4 import Int4Linear
from assistant.errors import UsageError
from assistant_eval.diagnosis.checks import CannotRun, Outcome, run
from assistant_eval.diagnosis.claims import claimed, read_results
from assistant_eval.diagnosis.diagnosing import CHECKS, diagnose
from assistant_eval.diagnosis.findings import Cause, Finding, Weight
from assistant_eval.diagnosis.questions.batches import agree
from assistant_eval.diagnosis.questions.results import Results
from assistant_eval.diagnosis.verdict import weigh
from assistant_eval.diagnosis.weights import layers
from assistant_eval.diagnosis.weights.groups import spread_of
from assistant_eval.diagnosis.weights.kernel import Kernel
from assistant_eval.diagnosis.weights.size import OtherSize, Size
from assistant_eval.mmlu.evaluation import Choices, evaluate
from assistant_eval.mmlu.questions import Exam
from tests.eval.diagnosis.gptq import Form, damaged, pack
from tests.eval.diagnosis.planted import Ward


def found(outcomes: tuple[Outcome, ...], name: str) -> Outcome:
    return next(one for one in outcomes if one.check == name)


def test_a_folder_that_the_loader_refuses_is_looked_at_all_the_same(ward: Ward) -> None:
    def fewer(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: value for name, value in tensors.items() if "up_proj" not in name}

    diagnosis = diagnose(ward.case(damaged(ward.model, ward.new(), fewer), claim=30.0))
    assert diagnosis.verdict.cause is Cause.MISSING_TENSORS
    assert "2 missing: model.layers.0.mlp.up_proj.weight" in diagnosis.verdict.line
    assert Cause.REFUSED in diagnosis.verdict.also
    assert found(diagnosis.outcomes, "loading").state == "found"
    for name in ("perplexity", "letters", "batches", "protocols", "the claimed number"):
        outcome = found(diagnosis.outcomes, name)
        assert outcome.state == "not run" and "cannot be loaded" in outcome.seen


def test_without_questions_no_check_that_asks_them_passes(ward: Ward) -> None:
    def nothing() -> Exam:
        raise UsageError("the hub does not give it")

    case = replace(ward.case(claim=50.0), ask=nothing)
    diagnosis = diagnose(case)
    assert diagnosis.verdict.cause is None
    asking = [one for one in diagnosis.outcomes if one.seen == "the hub does not give it"]
    assert {one.state for one in asking} == {"not run"}
    assert {"perplexity", "letters", "batches", "truncation", "protocols"} <= {
        one.check for one in asking
    }
    assert f"{sum(o.state == 'not run' for o in diagnosis.outcomes)} of {len(CHECKS)} checks could"


def test_a_kernel_that_computes_something_else_is_found(ward: Ward) -> None:
    case = ward.case(ward.gptq())
    assert run(Kernel(), case).state == "passed"
    name = layers.names(case)
    module = dict(case.loaded.model.named_modules())[name[len(name) // 2]]
    assert isinstance(module, Int4Linear)
    module.scales_and_zeros.mul_(1.1)
    outcome = run(Kernel(), case)
    assert outcome.state == "found"
    assert outcome.findings[0].cause is Cause.WRONG_KERNEL


@pytest.mark.parametrize("form", [Form(), Form(symmetric=True), Form(act_order=True)])
def test_stored_layers_are_what_was_packed(form: Form, ward: Ward) -> None:
    weight = torch.randn(64, 128, generator=torch.Generator().manual_seed(1))
    parts = pack(weight, form)

    def same(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return tensors | {f"model.x.{part}": value for part, value in parts.items()}

    case = ward.case(damaged(ward.gptq(), ward.new(), same))
    layer = layers.read(case, "model.x", layers.Layout(4, 32, False, 1))
    steps = layer.scales[layer.g_idx].t()
    assert ((layer.weight() - weight).abs() <= 0.51 * steps + 1e-3).float().mean() > 0.99
    spread = spread_of(layer)
    assert not spread.mixed
    some = layers.read(case, "model.x", layers.Layout(4, 32, False, 1), 16)
    assert torch.equal(some.weight(), layer.weight()[:16])


def test_a_size_s_number_claimed_for_another_size(ward: Ward) -> None:
    case = ward.case(expected="wizard-vicuna-13b", claim=36.9)
    outcome = run(OtherSize(), case)
    (finding,) = outcome.findings
    assert finding.cause is Cause.OTHER_SIZE and "Wizard-Vicuna-7B" in finding.predicted
    assert run(OtherSize(), replace(case, claim=claimed(47.5))).state == "passed"
    with pytest.raises(CannotRun, match="--expect"):
        Size().look(replace(case, spec=None))


def test_a_run_of_another_model_is_recognized(ward: Ward, tmp_path: Path) -> None:
    case = ward.case()
    outcome = evaluate(case.examined, Choices(str(ward.exam), output=tmp_path / "run", shots=5))
    own = replace(case, claim=read_results(outcome.run, None))
    assert run(Results(), own).state == "passed"
    other = replace(ward.case(ward.gptq()), claim=own.claim)
    (finding,) = run(Results(), other).findings
    assert finding.cause is Cause.OTHER_MODEL and "weights_sha256" in finding.seen


def test_letters_that_are_as_near_as_rounding_agree() -> None:
    assert agree([-1.0, -2.0, -3.0, -4.0], [-1.05, -1.0, -3.0, -4.0])
    assert not agree([-1.0, -2.0, -3.0, -4.0], [-1.5, -1.0, -3.0, -4.0])


def made(cause: Cause, weight: Weight, *, measuring: bool = False) -> Finding:
    return Finding(cause, weight, "this", "that", measuring)


def test_contradictions_weigh_more_than_symptoms() -> None:
    outcomes = [
        Outcome("a", "found", "", (made(Cause.USELESS_WEIGHTS, Weight.SYMPTOM),)),
        Outcome("b", "found", "", (made(Cause.DAMAGED_G_IDX, Weight.CERTAIN),)),
        Outcome("c", "found", "", (made(Cause.SHIFTED_ZEROS, Weight.CERTAIN),)),
        Outcome("d", "passed", "", (made(Cause.CONSTANT_LETTER, Weight.NOTE),)),
    ]
    verdict = weigh(outcomes, None, False)
    assert verdict.cause is Cause.DAMAGED_G_IDX
    assert verdict.also == (Cause.USELESS_WEIGHTS, Cause.SHIFTED_ZEROS)


def test_how_it_was_measured_does_not_matter_where_the_number_is_right() -> None:
    symptom = made(Cause.WRONG_PROTOCOL, Weight.LIKELY, measuring=True)
    outcomes = [Outcome("results", "found", "", (symptom,))]
    assert weigh(outcomes, 47.0, True).cause is None
    assert weigh(outcomes, 35.0, False).cause is Cause.WRONG_PROTOCOL
