"""Texts that go on from one beginning compute what they would with a cache of their own."""

from typing import Any

import pytest
import torch

from assistant.config import Quantization
from assistant.engine.branches import branch
from assistant.engine.decoder import Decoder
from assistant.engine.kv_cache import GrowingCache
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.parts import Part
from assistant.engine.runner import TransformersRunner
from assistant.registry import STARTER, LocalModel, locate
from tests.engine import tiny

BEGINNING = tuple(range(40, 140))
ENDS = [tuple(range(200, 200 + count)) for count in (7, 1, 30)]


def runners(local: LocalModel, **options: Any) -> list[Any]:
    model = load_model(local, LoadOptions("cpu", **options)).model
    decoder = Decoder.of(model)
    assert decoder is not None
    return [decoder, TransformersRunner(model)]


def logits(runner: Any, cache: GrowingCache, ids: tuple[int, ...]) -> torch.Tensor:
    found: torch.Tensor = runner.forward([Part(ids, cache, 1)])[0]
    return found


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    folder = tiny.save_llama(tmp_path_factory.mktemp("branches") / "llama")
    return LocalModel("tiny", folder)


def test_branches_of_one_beginning(llama: LocalModel) -> None:
    for runner in runners(llama):
        trunk = runner.new_cache()
        runner.forward([Part(BEGINNING, trunk, 0)])
        together = runner.forward([Part(end, branch(trunk), 1) for end in ENDS])
        for end, found in zip(ENDS, together, strict=True):
            alone = logits(runner, runner.new_cache(), BEGINNING + end)
            torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-4)
        assert trunk.length == len(BEGINNING)


def test_a_branch_goes_on_and_branches_again(llama: LocalModel) -> None:
    for runner in runners(llama):
        trunk = runner.new_cache()
        runner.forward([Part(BEGINNING, trunk, 0)])
        first = branch(trunk)
        runner.forward([Part(ENDS[0], first, 0)])
        second = branch(first)
        runner.forward([Part(ENDS[1], second, 0)])
        found = logits(runner, second, ENDS[2])
        alone = logits(runner, runner.new_cache(), BEGINNING + ENDS[0] + ENDS[1] + ENDS[2])
        torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-4)
        assert [cache.length for cache in (trunk, first, second)] == [100, 107, 138]
        second.hold(107)
        shorter = logits(runner, second, ENDS[2])
        alone = logits(runner, runner.new_cache(), BEGINNING + ENDS[0] + ENDS[2])
        torch.testing.assert_close(shorter, alone, rtol=1e-4, atol=1e-4)


def test_a_branch_of_nothing_is_a_text_of_its_own(llama: LocalModel) -> None:
    for runner in runners(llama):
        found = logits(runner, branch(runner.new_cache()), BEGINNING)
        alone = logits(runner, runner.new_cache(), BEGINNING)
        torch.testing.assert_close(found, alone)


def test_a_branch_takes_no_memory_for_its_beginning(llama: LocalModel) -> None:
    runner = runners(llama)[0]
    trunk = runner.new_cache()
    runner.forward([Part(BEGINNING * 6, trunk, 0)])
    one = branch(trunk)
    assert one.nbytes == 0
    runner.forward([Part((5,), one, 0)])
    assert 0 < one.nbytes < trunk.nbytes


@pytest.mark.parametrize("quantization", ["none", "int4"])
def test_compiled_layers_read_branches(quantization: Quantization) -> None:
    """They write into buffers that hold the whole text, which is copied for them."""
    runner = runners(locate(STARTER), quantization=quantization)[0]
    if runner.native is None:
        pytest.skip("no compiled layers for this processor")
    trunk = runner.new_cache()
    runner.forward([Part(BEGINNING, trunk, 0)])
    for end in ENDS:
        found = logits(runner, branch(trunk), end)
        copied = trunk.copy(len(BEGINNING))
        assert torch.equal(found, logits(runner, copied, end))
    assert trunk.length == len(BEGINNING)
