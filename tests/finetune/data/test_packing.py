"""Rows hold whole samples that do not see each other: the model's loss is that of each alone."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.prompts import IGNORED
from assistant_finetune.data import (
    Chat,
    DataError,
    Learn,
    Origin,
    Row,
    Sample,
    pack,
    rendering_for,
    samples,
)
from assistant_finetune.data.journal import Journal
from assistant_finetune.data.rendering.packing import plan, row
from tests.prompts.families import conversation


def sample(number: int, length: int) -> Sample:
    ids = tuple(range(number * 1000, number * 1000 + length))
    return Sample(ids, (IGNORED, *ids[1:]), Origin("a", number))


@settings(max_examples=300, deadline=None)
@given(
    lengths=st.lists(st.integers(2, 64), min_size=1, max_size=60), window=st.sampled_from([5, 1000])
)
def test_every_sample_is_in_one_row_whole(lengths: list[int], window: int) -> None:
    given_samples = [sample(number, length) for number, length in enumerate(lengths)]
    rows = list(pack(given_samples, 64, window))
    assert sorted(origin.line for one in rows for origin in one.origins) == list(
        range(len(lengths))
    )
    by_line = {one.origin.line: one for one in given_samples}
    for one in rows:
        assert len(one.ids) <= 64
        assert len(one.ids) == len(one.labels) == len(one.position_ids) == len(one.weights)
        assert one.ids == tuple(n for o in one.origins for n in by_line[o.line].ids)
        starts = [place for place, position in enumerate(one.position_ids) if position == 0]
        assert len(starts) == len(one.origins)
        assert all(one.labels[start] == IGNORED for start in starts)


@settings(max_examples=200, deadline=None)
@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=40))
def test_the_plan_is_first_fit_decreasing(lengths: list[int]) -> None:
    rows: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        for one in rows:
            if sum(lengths[other] for other in one) + lengths[number] <= 20:
                one.append(number)
                break
        else:
            rows.append([number])
    assert plan(lengths, 20) == rows


def test_a_sample_that_is_longer_than_a_row_is_named() -> None:
    with pytest.raises(DataError, match="a:3 has 65 tokens, and a row only 64"):
        list(pack([sample(3, 65)], 64))


def test_weights_follow_their_tokens() -> None:
    heavy = Sample((1, 2, 3), (IGNORED, 2, 3), Origin("a"), (0.0, 0.5, 2.0))
    assert row([heavy, sample(1, 2)]).weights == (0.0, 0.5, 2.0, 0.0, 1.0)


def test_padding_is_a_piece_of_its_own() -> None:
    padded = row([sample(1, 3)]).padded(5, pad=9)
    assert padded.ids[3:] == (9, 9)
    assert padded.position_ids == (0, 1, 2, 0, 1)
    assert padded.labels[3:] == (IGNORED, IGNORED)
    assert padded.weights[3:] == (0.0, 0.0)


TALKS = [
    [("Write a loop", "for item in items:\n    print(item)")],
    [("Explain:\nx = 1", "It gives x the value 1."), ("And y?", "There is none.")],
    [("Polish:\nteh end", "The end.")],
    [("a", "b"), ("c", "d"), ("e", "f")],
    [("Say nothing", "…")],
]


@pytest.mark.parametrize("learn", Learn)
def test_the_models_loss_is_that_of_each_sample_alone(learn: Learn) -> None:
    """On SDPA in float32, through transformers alone, with and without padding."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM

    from assistant.registry import locate

    chats = [
        Chat(conversation(*(text for pair in talk for text in pair)), Origin("a", number))
        for number, talk in enumerate(TALKS, start=1)
    ]
    rendering = rendering_for("starter", max_length=64, learn=learn)
    found = list(samples(chats, rendering, Journal()))
    model: Any = AutoModelForCausalLM.from_pretrained(
        locate("starter").folder, dtype=torch.float32, attn_implementation="sdpa"
    )
    model.eval()

    def token_losses(one: Row) -> list[float]:
        with torch.no_grad():
            logits = model(
                input_ids=torch.tensor([one.ids]),
                position_ids=torch.tensor([one.position_ids]),
                use_cache=False,  # with a cache, transformers would not look for packed samples
            ).logits
        losses = torch.nn.functional.cross_entropy(
            logits[0, :-1], torch.tensor(one.labels[1:]), reduction="none", ignore_index=IGNORED
        )
        return [
            float(loss)
            for loss, label in zip(losses, one.labels[1:], strict=True)
            if label != IGNORED
        ]

    alone = {one.origin: token_losses(row([one])) for one in found}
    rows = list(pack(found, 64))
    assert len(rows) < len(found)
    for one in [*rows, rows[0].padded(80, pad=0)]:
        together = token_losses(one)
        wanted = [loss for origin in one.origins for loss in alone[origin]]
        assert together == pytest.approx(wanted, abs=1e-5)
    total = sum(sum(losses) for losses in alone.values())
    assert sum(sum(token_losses(one)) for one in rows) == pytest.approx(total, abs=1e-4)
