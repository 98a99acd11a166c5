"""Attention of packed rows on a CPU, one sample after the other.

PyTorch's kernel is given a mask there, and computes all pairs of a row's tokens to throw away those
of different samples: with chats of 130 tokens in rows of 1,024 that is seven of eight. It is also
slow backwards. Forward and backward over 15 chats, 2,048 tokens at 8 heads over 4, in bfloat16 on
one thread: 367 ms with the mask, 64 in pieces, 28 in pieces that are written out. Long samples are
written out in blocks of queries, whose weights of pairs are computed a second time for the gradient
and not kept (the idea is that of FlashAttention, arXiv:2205.14135).
"""

from itertools import pairwise
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from assistant.engine.attention import use_attention

_NAME = "assistant_samples"
_BLOCK = 256
"""Queries that are computed together; samples of no more keep their weights of pairs."""
_SPECIAL = ("sliding_window", "position_bias", "softcap", "s_aux", "cache")
"""What a model may ask of its attention beyond a causal mask."""


def attend_by_sample(model: Any) -> None:
    """Let a transformers model on the CPU compute attention within the samples of its rows.

    A sample begins where positions begin again. Models with another attention than PyTorch's own
    keep theirs, and what is more than causal goes through transformers' own, with its mask.
    """
    use_attention(model, _NAME, sample_attention)


def sample_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' attention function; see there. `[rows, heads, tokens, head_dim]` each."""
    rows, heads, tokens, head_dim = query.shape
    positions = kwargs.get("position_ids")
    special = kwargs.get("dropout") or any(kwargs.get(name) is not None for name in _SPECIAL)
    alike = head_dim == value.shape[-1] and heads % key.shape[1] == 0
    if special or not alike or positions is None or positions.shape != (rows, tokens):
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **kwargs
        )
        return found
    scale = kwargs.get("scaling") or head_dim**-0.5
    query, key = query.to(value.dtype), key.to(value.dtype)
    attended = []
    with torch.autocast("cpu", enabled=False):
        for row in range(rows):
            lengths = sample_lengths(positions[row])
            queries, keys, values = (
                torch.split(whole[row], lengths, dim=1) for whole in (query, key, value)
            )
            pieces = [
                _attend(own, seen, taken, scale)
                for own, seen, taken in zip(queries, keys, values, strict=True)
            ]
            attended.append(torch.cat(pieces, dim=1))
    return torch.stack(attended).transpose(1, 2).contiguous(), None


def sample_lengths(positions: torch.Tensor) -> list[int]:
    """How many tokens each sample of a row has, by the row's positions, `[tokens]`."""
    starts = (positions[1:] != positions[:-1] + 1).nonzero().flatten() + 1
    borders = [0, *starts.tolist(), len(positions)]
    return [end - begin for begin, end in pairwise(borders)]


def _attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> torch.Tensor:
    """One sample: `query` `[heads, tokens, head_dim]`, `key` and `value` with their own heads."""
    tokens = query.shape[1]
    if tokens <= _BLOCK:
        return _block(query, key, value, scale)
    blocks = []
    for start in range(0, tokens, _BLOCK):
        end = min(start + _BLOCK, tokens)
        seen = query[:, start:end], key[:, :end], value[:, :end]
        blocks.append(
            checkpoint(_block, *seen, scale, use_reentrant=False, preserve_rng_state=False)
        )
    return torch.cat(blocks, dim=1)


def _block(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> torch.Tensor:
    """The last tokens of a sample, whose keys and values end with theirs."""
    heads, tokens, head_dim = query.shape
    key_heads, positions, _ = key.shape
    shared = heads // key_heads
    # Heads that share a key head are rows of one product.
    together = query.reshape(key_heads, shared * tokens, head_dim)
    later = torch.full((tokens, positions), float("-inf"), dtype=query.dtype)
    hidden = later.triu_(1 + positions - tokens).repeat(shared, 1)
    scores = torch.baddbmm(hidden[None], together, key.transpose(1, 2), alpha=scale)
    return (torch.softmax(scores, dim=-1) @ value).view(heads, tokens, head_dim)
