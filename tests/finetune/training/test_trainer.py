"""What our training asks of the libraries below it, held so that another version cannot change it
in silence."""

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from trl.trainer import base_trainer

from assistant.prompts import IGNORED
from assistant_finetune.data import Origin, Sample
from assistant_finetune.data.rendering.packing import row
from assistant_finetune.training.base import load_base
from assistant_finetune.training.checkpoints import Checkpoints
from assistant_finetune.training.settings import Settings
from assistant_finetune.training.trainer import Job, collate, make_trainer
from tests.engine import tiny

HERE = Origin("here")
SETTINGS = Settings(
    method="lora",
    rank=4,
    max_steps=4,
    batch_size=2,
    micro_batch_size=1,
    learning_rate=1e-2,
    evaluate_every=2,
    precision="fp32",
    adapter_precision="fp32",
)


def sample(start: int, length: int, learned: int, weight: float = 1.0) -> Sample:
    ids = tuple(8 + (start * 31 + place * 7) % 480 for place in range(length))
    labels = (IGNORED,) * (length - learned) + ids[length - learned :]
    weights = (0.0,) * (length - learned) + (weight,) * learned if weight != 1.0 else ()
    return Sample(ids, labels, HERE, weights)


def fields(*samples: Sample) -> dict[str, Any]:
    one = row(samples)
    return {
        "input_ids": one.ids,
        "labels": one.labels,
        "position_ids": one.position_ids,
        "weights": one.weights,
    }


def trainer(
    llama: Path, tmp_path: Path, rows: list[dict[str, Any]], log: list[Any], **changes: Any
) -> Any:
    settings = SETTINGS.with_changes(**changes)
    base = load_base(tiny.local_model(llama), settings.method or "lora", "fp32", "cpu")
    data = Dataset.from_list(rows)
    held = Dataset.from_list([fields(sample(70 + one, 40, 30)) for one in range(3)])
    job = Job(base, llama, settings, data, held, Checkpoints(tmp_path / "kept"), log.append)
    made = make_trainer(job)
    for parameter in made.model.parameters():  # B begins as zeros: nothing could go wrong yet
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    return made


SAMPLES = [sample(1, 30, 12), sample(2, 9, 4), sample(3, 50, 1), sample(4, 17, 17)]


def test_packed_rows_compute_what_their_samples_compute_alone(llama: Path, tmp_path: Path) -> None:
    made = trainer(llama, tmp_path, [fields(*SAMPLES)], [])
    for sparse in (True, False):
        made._sparse = sparse
        packed, count = made._losses(made.model, collate([fields(*SAMPLES)]))
        alone = [made._losses(made.model, collate([fields(one)])) for one in SAMPLES]
        assert int(count) == sum(int(learned) for _, learned in alone) == 12 + 4 + 1 + 16
        total = sum(loss for loss, _ in alone)
        assert abs(float((packed - total).detach())) / int(count) < 1e-5


@pytest.mark.parametrize("method", ["lora", "full"])
def test_both_ways_to_the_loss_agree_with_plain_cross_entropy(
    llama: Path, tmp_path: Path, method: str
) -> None:
    rank = None if method == "full" else SETTINGS.rank
    made = trainer(llama, tmp_path, [fields(*SAMPLES)], [], method=method, rank=rank)
    assert made._sparse
    one = sample(5, 40, 20, weight=0.5)
    inputs = collate([fields(one), fields(SAMPLES[1])])
    found = {}
    for sparse in (True, False):
        made._sparse = sparse
        made.model.zero_grad()
        loss, _ = made._losses(made.model, inputs)
        loss.backward()
        found[sparse] = (
            float(loss),
            {n: p.grad.clone() for n, p in made.model.named_parameters() if p.requires_grad},
        )
    expected = 0.0
    for each, weight in ((one, 0.5), (SAMPLES[1], 1.0)):
        logits = made.model(torch.tensor([each.ids])).logits[0, :-1]
        labels = torch.tensor(each.labels[1:])
        losses = torch.nn.functional.cross_entropy(
            logits, labels, ignore_index=IGNORED, reduction="sum"
        )
        expected += weight * float(losses)
    for loss, _ in found.values():
        assert loss == pytest.approx(expected, rel=1e-5)
    for name, gradient in found[True][1].items():
        torch.testing.assert_close(gradient, found[False][1][name], rtol=1e-3, atol=1e-4)


def test_micro_batches_make_the_step_of_the_whole_batch(llama: Path, tmp_path: Path) -> None:
    """Each learned token counts the same, however many share its micro-batch."""
    rows = [fields(one) for one in SAMPLES]
    weights = []
    for micro in (1, 2, 4):
        log: list[Any] = []
        made = trainer(
            llama,
            tmp_path / str(micro),
            rows,
            log,
            batch_size=4,
            micro_batch_size=micro,
            max_steps=2,
            warmup=0.0,
        )
        torch.manual_seed(11)
        for parameter in made.model.parameters():
            if parameter.requires_grad:
                torch.nn.init.normal_(parameter, std=0.1)
        made.train()
        learned = {n: p for n, p in made.model.named_parameters() if p.requires_grad}
        weights.append((learned, [one["loss"] for one in log if "loss" in one]))
    for learned, losses in weights[1:]:
        assert losses == pytest.approx(weights[0][1], rel=1e-4)
        for name, parameter in learned.items():
            torch.testing.assert_close(parameter, weights[0][0][name], rtol=1e-3, atol=1e-3)


def test_the_rows_come_in_their_order_and_labels_reach_the_loss_untouched(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [fields(one) for one in (*SAMPLES, *SAMPLES)]
    made = trainer(llama, tmp_path, rows, [])
    seen = []
    losses = made._losses

    def watched(model: Any, inputs: dict[str, Any]) -> Any:
        if model.training:
            seen.append({key: value[0].tolist() for key, value in inputs.items()})
        assert "attention_mask" not in inputs
        return losses(model, inputs)

    monkeypatch.setattr(made, "_losses", watched)
    made.train()
    assert len(seen) == len(rows)
    for given, reached in zip(rows, seen, strict=True):
        for key in ("input_ids", "labels", "weights", "position_ids"):
            assert tuple(reached[key][: len(given[key])]) == pytest.approx(given[key])
        assert set(reached["labels"][len(given["labels"]) :]) <= {IGNORED}


def test_nobody_is_told_of_a_run(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(base_trainer, "send_telemetry", lambda **fields: told.append(fields))
    trainer(llama, tmp_path, [fields(*SAMPLES)], []).train()
    assert told == []
    names = [file.name for file in (tmp_path / "kept").rglob("*")]
    assert "adapter_model.safetensors" in names


def test_a_run_that_gets_no_better_ends_early(llama: Path, tmp_path: Path) -> None:
    log: list[Any] = []
    made = trainer(
        llama,
        tmp_path,
        [fields(*SAMPLES)] * 40,
        log,
        max_steps=20,
        evaluate_every=1,
        learning_rate=0.1,
        patience=2,
        warmup=0.0,
        schedule="constant",
    )
    made.train()
    held = [one["held_out_loss"] for one in log if "held_out_loss" in one]
    best = held.index(min(held))
    assert len(held) < 20 and len(held) == best + 1 + 2
    assert best + 1 in made._job.checkpoints.steps()
