"""What was computed before never changes an answer, whatever requests came in whatever order."""

from collections.abc import Sequence

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import DynamicCache, MistralConfig
from transformers.cache_utils import DynamicLayer

from assistant.engine.engine import Engine
from assistant.engine.kv_cache import GrowingCache, GrowingLayer, new_cache
from assistant.engine.load import LoadedModel
from assistant.engine.prefix_cache import PrefixCache
from assistant.messages import SamplingParams
from assistant.prompts import Prompt

HEADS, DIM = 2, 4


def cache_of(ids: Sequence[int]) -> GrowingCache:
    """A cache whose keys are the ids themselves, so that one can see what it holds."""
    layer = GrowingLayer()
    states = torch.tensor(ids, dtype=torch.float32).view(1, 1, -1, 1).expand(1, HEADS, -1, DIM)
    layer.update(states, states)
    return GrowingCache([layer])


def held(cache: GrowingCache | None) -> list[int]:
    if cache is None or cache.get_seq_length() == 0:
        return []
    layer = cache.layers[0]
    assert isinstance(layer, GrowingLayer)
    keys = layer.keys
    assert keys is not None and bool((keys == keys[:, :1, :, :1]).all())
    return [int(number) for number in keys[0, 0, :, 0]]


SHORT = st.lists(st.integers(1, 3), min_size=1, max_size=8)


@given(st.lists(SHORT, max_size=10), SHORT, st.integers(1, 4))
@settings(max_examples=200)
def test_the_longest_common_beginning_is_found_and_one_token_left(
    earlier: list[list[int]], ids: list[int], entries: int
) -> None:
    prefixes = PrefixCache(entries=entries, max_bytes=1 << 30)
    for one in earlier:
        prefixes.put(one, cache_of(one))
    assert len(prefixes) <= entries
    expected = 0
    for entry in prefixes._entries:
        same = [a == b for a, b in zip(entry.ids, ids, strict=False)]
        length = same.index(False) if False in same else len(same)
        expected = max(expected, min(length, len(ids) - 1))
    assert held(prefixes.take(ids)) == ids[:expected]


@given(st.lists(SHORT, min_size=1, max_size=12), st.integers(1, 4))
@settings(max_examples=200)
def test_every_entry_always_holds_its_own_tokens(prompts: list[list[int]], entries: int) -> None:
    """Through crops, copies and growth: no entry writes into another's memory."""
    prefixes = PrefixCache(entries=entries, max_bytes=1 << 30)
    for ids in prompts:
        cache = prefixes.take(ids) or GrowingCache([GrowingLayer()])
        rest = ids[cache.get_seq_length() :]
        states = torch.tensor(rest, dtype=torch.float32).view(1, 1, -1, 1)
        cache.update(states.expand(1, HEADS, -1, DIM), states.expand(1, HEADS, -1, DIM), 0)
        assert held(cache) == ids
        prefixes.put(ids, cache)
        for entry in prefixes._entries:
            assert held(entry.cache) == list(entry.ids)


def test_a_mostly_shared_entry_is_cropped_and_a_hardly_shared_one_copied() -> None:
    prefixes = PrefixCache(entries=4, max_bytes=1 << 30)
    prefixes.put(range(10), cache_of(range(10)))
    assert held(prefixes.take([0, 1, 99])) == [0, 1]
    assert len(prefixes) == 1
    assert held(prefixes.take([*range(8), 99])) == list(range(8))
    assert len(prefixes) == 0


def test_the_least_recently_used_leaves_first() -> None:
    prefixes = PrefixCache(entries=2, max_bytes=1 << 30)
    prefixes.put([1] * 8, cache_of([1] * 8))
    prefixes.put([2] * 8, cache_of([2] * 8))
    prefixes.take([1, 1, 9])  # copies, and so uses, the first
    prefixes.put([3] * 8, cache_of([3] * 8))
    assert prefixes.take([2, 2, 9]) is None
    assert held(prefixes.take([1, 1, 9])) == [1, 1]


def test_bytes_are_limited_and_the_newest_stays() -> None:
    one = cache_of([1] * 8).nbytes
    prefixes = PrefixCache(entries=9, max_bytes=2 * one)
    for number in range(5):
        prefixes.put([number] * 8, cache_of([number] * 8))
        assert prefixes.nbytes <= 2 * one
    small = PrefixCache(entries=9, max_bytes=1)
    small.put([1, 2], cache_of([1, 2]))
    small.put([3, 4], cache_of([3, 4]))
    assert held(small.take([3, 4, 5])) == [3, 4]


def test_a_growing_layer_holds_what_a_dynamic_one_holds() -> None:
    growing = GrowingLayer()
    dynamic = DynamicLayer()  # type: ignore[no-untyped-call]
    for count in (3, 1, 400, 1, 1):
        keys, values = torch.randn(2, 1, HEADS, count, DIM)
        for ours, theirs in zip(
            growing.update(keys, values), dynamic.update(keys, values), strict=True
        ):
            assert torch.equal(ours, theirs)
        growing.crop_to(growing.get_seq_length() - 1)
        dynamic.crop(-1)
    assert growing.get_seq_length() == dynamic.get_seq_length() == 401


def test_a_model_that_forgets_is_not_shared_between_requests() -> None:
    config = MistralConfig(num_hidden_layers=2, sliding_window=16)
    assert type(new_cache(config)) is DynamicCache
    assert isinstance(
        new_cache(MistralConfig(num_hidden_layers=2, sliding_window=None)), GrowingCache
    )


TOKENS = st.lists(st.integers(8, 14), min_size=1, max_size=20)
"""Few different ones, so that prompts share beginnings."""


@given(
    st.lists(TOKENS, min_size=2, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20), TOKENS), max_size=8),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_answers_with_and_without_the_cache_are_the_same(
    loaded: LoadedModel, starts: list[list[int]], edits: list[tuple[int, int, list[int]]]
) -> None:
    """Requests that go on from, cut off and change earlier ones, like those of an editor."""
    prompts = list(starts)
    for number, keep, added in edits:
        prompts.append([*prompts[number % len(prompts)][:keep], *added])
    with_cache, without = Engine(loaded, cache_entries=3), Engine(loaded, cache_entries=0)
    params = SamplingParams(max_tokens=5)
    for ids in prompts:
        prompt = Prompt(tuple(ids), frozenset())
        warm = list(with_cache.generate(prompt, params))
        cold = list(without.generate(prompt, params))
        assert [chunk.text for chunk in warm] == [chunk.text for chunk in cold]
        assert cold[-1].usage is not None and cold[-1].usage.cached_tokens == 0
