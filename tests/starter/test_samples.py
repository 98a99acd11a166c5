"""Samples: what is learned of each kind, where holes come from, and that seeds hold."""

import inspect
import random
import textwrap

import pytest

from assistant.prompts import IGNORED
from tools.starter import code_samples, losses
from tools.starter.samples import MIX, Sampler, batch
from tools.starter.tokenizer import BOS, EOS, SPECIAL

ALL_LEARNED = ("code", "prose", "fim")
TASKS = tuple(kind for kind in MIX if kind not in ALL_LEARNED)
END, ASSISTANT = SPECIAL.index("<|end|>"), SPECIAL.index("<|assistant|>")


@pytest.mark.parametrize("kind", ALL_LEARNED)
def test_code_prose_and_completions_are_learned_whole(sampler: Sampler, kind: str) -> None:
    sample = sampler.sample(kind, random.Random(3), 256)
    assert sample.labels == sample.ids
    assert sample.ids[0] == SPECIAL.index(BOS)
    assert sample.ids[-1] == (END if kind == "fim" else SPECIAL.index(EOS))


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("seed", range(4))
def test_of_a_task_the_answer_alone_is_learned(sampler: Sampler, kind: str, seed: int) -> None:
    sample = sampler.sample(kind, random.Random(seed), 256)
    start = sample.ids.index(ASSISTANT) + 1
    assert set(sample.labels[:start]) == {IGNORED}
    assert sample.labels[start:] == sample.ids[start:]
    assert sample.ids[-1] == END
    assert sampler.renderer.tokenizer.decode(sample.ids[start:]).strip()


def test_a_polish_answer_stands_in_the_corpus(sampler: Sampler) -> None:
    sample = sampler.sample("polish", random.Random(5), 256)
    answer = [label for label in sample.labels if label != IGNORED]
    text = sampler.renderer.tokenizer.decode(answer)
    assert any(text in document.text for document in sampler.prose.texts)


@pytest.mark.parametrize("context", [200, 1200])
def test_a_hole_and_what_is_around_it_stand_in_the_source(context: int) -> None:
    source = inspect.getsource(textwrap)
    suffixes = 0
    for seed in range(300):
        hole = code_samples.cut(source, random.Random(seed), context)
        assert hole.request.prefix + hole.middle + hole.request.suffix in source
        suffixes += bool(hole.request.suffix)
    assert 100 < suffixes < 300


def test_a_comment_ends_the_question_and_code_the_answer(sampler: Sampler) -> None:
    rng = random.Random(2)
    found = code_samples.comment_to_code(lambda: inspect.getsource(textwrap), rng)
    assert found is not None
    question, answer = found
    assert question.rpartition("\n")[2].lstrip().startswith("# ")
    assert question + "\n" + answer in inspect.getsource(textwrap)


def test_a_step_is_the_same_whenever_it_is_asked_for(sampler: Sampler) -> None:
    first = batch(sampler, 1, 7, 2, 128)
    batch(sampler, 1, 8, 2, 128)
    assert batch(sampler, 1, 7, 2, 128) == first
    assert batch(sampler, 1, 8, 2, 128) != first
    assert batch(sampler, 2, 7, 2, 128) != first


def test_targets_are_the_inputs_one_on(sampler: Sampler) -> None:
    inputs, targets = batch(sampler, 1, 0, 3, 128)
    assert [len(row) for row in inputs] == [len(row) for row in targets] == [128] * 3
    for given, wanted in zip(inputs, targets, strict=True):
        pairs = zip(given[1:], wanted[:-1], strict=True)
        assert all(label in (token, IGNORED) for token, label in pairs)


def test_the_middle_alone_is_what_fills_the_hole(sampler: Sampler) -> None:
    sample = sampler.sample("fim", random.Random(9), 256)
    kept = losses.middle_only(sample.ids[:-1], sample.labels[1:])
    start = sample.ids.index(SPECIAL.index("<|fim_middle|>")) + 1
    assert [label for label in kept if label != IGNORED] == list(sample.ids[start:])
    twice = losses.middle_only(sample.ids + sample.ids[:-1], sample.ids[1:] + sample.ids)
    assert twice == [*kept, IGNORED, *kept]
