"""The longest beginning that is there is found, and nobody writes into anybody else's memory."""

from collections.abc import Sequence
from itertools import chain

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DynamicCache, MistralConfig
from transformers.cache_utils import DynamicLayer

from assistant.engine.kv_cache import GrowingCache, GrowingLayer, new_cache
from assistant.engine.prefix_cache import PARKED, Kept, PrefixCache
from assistant.engine.radix_tree import BLOCK, RadixTree

HEADS, DIM = 2, 4


def cache_of(ids: Sequence[int]) -> GrowingCache:
    """A cache whose keys are the ids themselves, so that one can see what it holds."""
    layer = GrowingLayer()
    states = torch.tensor(ids, dtype=torch.float32).view(1, 1, -1, 1).expand(1, HEADS, -1, DIM)
    layer.update(states, states)
    return GrowingCache([layer])


def kept(ids: Sequence[int], adapter: str | None = None) -> Kept:
    return Kept(tuple(ids), len(ids), cache_of(ids), adapter)


def new_prefixes(max_bytes: int = 1 << 30) -> PrefixCache:
    return PrefixCache(lambda: GrowingCache([GrowingLayer()]), max_bytes=max_bytes)


def held(cache: DynamicCache) -> list[int]:
    if cache.get_seq_length() == 0:
        return []
    layer = cache.layers[0]
    assert isinstance(layer, GrowingLayer)
    keys = layer.keys
    assert keys is not None and bool((keys == keys[:, :1, :, :1]).all())
    return [int(number) for number in keys[0, 0, :, 0]]


def text(seed: int, length: int = 3 * BLOCK) -> list[int]:
    return [1000 * seed + place for place in range(length)]


# Of few different pieces, some longer than a block, so that texts share beginnings of all lengths.
PIECES = st.sampled_from([[1], [2], [3] * 5, [4] * BLOCK, [5] * (BLOCK + 3)])
TEXTS = st.lists(PIECES, min_size=1, max_size=6).map(lambda pieces: list(chain(*pieces)))
ADAPTERS = st.sampled_from([None, "mine"])


def common(one: Sequence[int], other: Sequence[int]) -> int:
    same = [a == b for a, b in zip(one, other, strict=False)]
    return same.index(False) if False in same else len(same)


@given(st.lists(st.tuples(TEXTS, ADAPTERS), max_size=12), TEXTS, ADAPTERS)
@settings(max_examples=200, deadline=None)
def test_the_longest_common_beginning_is_found_and_one_token_left(
    earlier: list[tuple[list[int], str | None]], ids: list[int], adapter: str | None
) -> None:
    prefixes = new_prefixes()
    for one, its_adapter in earlier:
        prefixes.put(kept(one, its_adapter))
    longest = max((common(one, ids) for one, its in earlier if its == adapter), default=0)
    found = held(prefixes.take(ids, adapter))
    assert found == ids[: len(found)]
    # What was pushed out is there in whole blocks.
    assert min(longest, len(ids) - 1) - BLOCK < len(found) <= min(longest, len(ids) - 1)
    if len(earlier) <= PARKED:
        assert len(found) == min(longest, len(ids) - 1)


@given(st.lists(st.tuples(TEXTS, ADAPTERS), min_size=1, max_size=14), st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_every_text_holds_its_own_tokens(
    requests: list[tuple[list[int], str | None]], room: int
) -> None:
    """Through crops, copies, growth and evictions: no text writes into another's memory."""
    limit = room * cache_of([1]).nbytes
    prefixes = new_prefixes(limit)
    running: list[Kept] = []
    for ids, adapter in requests:
        cache = prefixes.take(ids, adapter, running)
        assert isinstance(cache, GrowingCache)
        assert held(cache) == ids[: cache.length]
        rest = torch.tensor(ids[cache.length :], dtype=torch.float32).view(1, 1, -1, 1)
        cache.growing[0].update(*(rest.expand(1, HEADS, -1, DIM) for _ in range(2)))
        running.append(Kept(tuple(ids), len(ids), cache, adapter))
        if len(running) > 2:
            prefixes.put(running.pop(0))
        assert all(held(one.cache) == list(one.ids) for one in running)
        newest = max((one.cache.nbytes for one in prefixes._parked), default=0)
        assert prefixes.nbytes <= max(limit, newest)


def test_a_request_that_goes_on_takes_over_and_one_that_branches_off_gets_a_copy() -> None:
    prefixes = new_prefixes()
    conversation = text(1, 300)
    first = kept(conversation)
    prefixes.put(first)
    branch = prefixes.take([*conversation[:100], 7, 7])
    assert held(branch) == conversation[:100] and branch is not first.cache
    assert prefixes.take([*conversation, 8]) is first.cache


def test_a_text_that_is_being_computed_is_copied() -> None:
    running = kept(text(1))
    copy = new_prefixes().take([*text(1)[:50], 7], None, [running])
    assert held(copy) == text(1)[:50]
    assert held(running.cache) == text(1)


def test_common_beginnings_are_held_once_in_the_tree() -> None:
    tree = RadixTree()
    shared = text(1)
    tree.insert([*shared, *text(2)], cache_of([*shared, *text(2)]))
    once = tree.nbytes
    tree.insert([*shared, *text(3)], cache_of([*shared, *text(3)]))
    assert tree.nbytes == once * 3 // 2
    assert len(tree.match([*shared, *text(3)])) == 6
    tree.insert([*shared, *text(3)], cache_of([*shared, *text(3)]))
    assert tree.nbytes == once * 3 // 2


def test_what_was_used_longest_ago_leaves_first_from_its_end_on() -> None:
    tree = RadixTree()
    for seed in (1, 2):
        tree.insert(text(seed), cache_of(text(seed)))
    tree.match(text(1))
    tree.evict(tree.nbytes * 4 // 6)
    assert (len(tree.match(text(1))), len(tree.match(text(2)))) == (3, 1)
    tree.evict(0)
    assert tree.nbytes == 0


def test_an_adapters_texts_are_its_own_and_go_with_it() -> None:
    prefixes = new_prefixes()
    for seed in range(2 * PARKED):
        for adapter in (None, "mine"):
            prefixes.put(kept(text(seed), adapter))
    whole = prefixes.nbytes
    prefixes.drop("mine")
    assert prefixes.nbytes == whole // 2
    assert held(prefixes.take(text(0), "mine")) == []
    assert len(held(prefixes.take(text(0)))) >= 2 * BLOCK


def test_a_growing_layer_holds_what_a_dynamic_one_holds() -> None:
    growing = GrowingLayer()
    dynamic = DynamicLayer()  # type: ignore[no-untyped-call]
    for count in (3, 1, 400, 1, 1):
        keys, values = torch.randn(2, 1, HEADS, count, DIM)
        for ours, theirs in zip(
            growing.update(keys, values), dynamic.update(keys, values), strict=True
        ):
            assert torch.equal(ours, theirs)
        growing.length -= 1
        dynamic.crop(-1)
    assert growing.get_seq_length() == dynamic.get_seq_length() == 401


def test_a_model_that_forgets_is_not_shared_between_requests() -> None:
    config = MistralConfig(num_hidden_layers=2, sliding_window=16)
    assert type(new_cache(config)) is DynamicCache
    assert isinstance(
        new_cache(MistralConfig(num_hidden_layers=2, sliding_window=None)), GrowingCache
    )
