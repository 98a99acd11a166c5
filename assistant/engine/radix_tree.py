"""Keys and values at rest: blocks of tokens in a tree, each common beginning held once."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count

import torch

from assistant.engine.kv_cache import GrowingCache

BLOCK = 32
"""Tokens of a block. What is left behind a text's last whole block is not kept."""


@dataclass(eq=False)
class _Node:
    """A block of tokens behind the blocks above it."""

    parent: "_Node | None" = None
    tokens: tuple[int, ...] = ()
    slices: torch.Tensor | None = None
    """`[layers, 2, key_heads, BLOCK, head_dim]`; the root's is None."""
    children: dict[tuple[int, ...], "_Node"] = field(default_factory=dict)
    used: int = 0


class RadixTree:
    """Blocks of texts by their beginnings, a tree for each adapter.

    Keys and values depend on all tokens before them and on the adapter, so a block is found by
    its whole way from the root. The blocks that nobody used for longest leave first, from the
    ends of the texts on.
    """

    def __init__(self) -> None:
        self._roots: dict[Hashable, _Node] = {}
        self._uses = 0
        self.nbytes = 0
        """The memory that the blocks take."""

    def match(self, ids: Sequence[int], adapter: Hashable = None) -> list[torch.Tensor]:
        """The blocks of the longest beginning of `ids` that is held, in order."""
        self._uses += 1
        found = []
        for node in self._walk(tuple(ids), adapter):
            node.used = self._uses
            if node.slices is not None:
                found.append(node.slices)
        return found

    def insert(self, ids: Sequence[int], cache: GrowingCache, adapter: Hashable = None) -> None:
        """Hold the whole blocks of `ids`, whose keys and values `cache` has."""
        self._uses += 1
        tokens = tuple(ids)
        *_, node = self._walk(tokens, adapter, make=True)
        start = 0
        above: _Node | None = node
        while above is not None:
            above.used = self._uses
            start += len(above.tokens)
            above = above.parent
        for place in range(start, len(tokens) - BLOCK + 1, BLOCK):
            block = tokens[place : place + BLOCK]
            slices = cache.slice(place, place + BLOCK)
            child = _Node(node, block, slices, used=self._uses)
            node.children[block] = child
            self.nbytes += slices.nbytes
            node = child

    def evict(self, to_bytes: int) -> None:
        """Let blocks go until the rest takes at most so many bytes."""
        order = count()  # nodes cannot be compared
        leaves = [(leaf.used, next(order), leaf) for leaf in self._leaves()]
        heapify(leaves)
        while leaves and self.nbytes > to_bytes:
            _, _, leaf = heappop(leaves)
            parent = self._remove(leaf)
            if parent.parent is not None and not parent.children:
                heappush(leaves, (parent.used, next(order), parent))

    def drop(self, adapter: Hashable) -> None:
        """Forget all texts of one adapter."""
        root = self._roots.pop(adapter, None)
        if root is not None:
            self.nbytes -= sum(
                node.slices.nbytes for node in _below(root) if node.slices is not None
            )

    def clear(self) -> None:
        """Forget everything."""
        self._roots.clear()
        self.nbytes = 0

    def _walk(
        self, tokens: tuple[int, ...], adapter: Hashable, *, make: bool = False
    ) -> Iterator[_Node]:
        """The nodes of the longest beginning that is held, the root first."""
        node = self._roots.get(adapter)
        if node is None:
            if not make:
                return
            node = self._roots[adapter] = _Node()
        yield node
        for place in range(0, len(tokens) - BLOCK + 1, BLOCK):
            child = node.children.get(tokens[place : place + BLOCK])
            if child is None:
                return
            node = child
            yield node

    def _leaves(self) -> Iterator[_Node]:
        for root in self._roots.values():
            for node in _below(root):
                if not node.children and node.parent is not None:
                    yield node

    def _remove(self, leaf: _Node) -> _Node:
        """Take a leaf out; what it hung on."""
        assert leaf.parent is not None and leaf.slices is not None
        del leaf.parent.children[leaf.tokens]
        self.nbytes -= leaf.slices.nbytes
        return leaf.parent


def _below(root: _Node) -> Iterator[_Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children.values())
