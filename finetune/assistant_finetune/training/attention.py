"""Attention of packed rows on a CPU, one sample after the other.

PyTorch's kernel is given a mask there, and computes all pairs of a row's tokens to throw away those
of different samples: with chats of 130 tokens in rows of 1,024 that is seven of eight. It is also
slow backwards. Forward and backward over 15 chats, 2,048 tokens at 8 heads over 4, in bfloat16 on
one thread: 367 ms with the mask, 64 in pieces, 28 in pieces that are written out.
"""

from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from assistant.engine.attention import use_attention

_NAME = "assistant_samples"
_WRITTEN_OUT = 256
"""Tokens; longer samples go through PyTorch's kernel, which keeps no weights of pairs."""
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
    heads, tokens, head_dim = query.shape
    key_heads = key.shape[0]
    shared = heads // key_heads
    if tokens > _WRITTEN_OUT:
        found = scaled_dot_product_attention(
            query[None], key[None], value[None], is_causal=True, scale=scale, enable_gqa=shared > 1
        )
        return found[0]
    # Heads that share a key head are rows of one product.
    together = (query * scale).reshape(key_heads, shared * tokens, head_dim)
    scores = (together @ key.transpose(1, 2)).view(key_heads, shared, tokens, tokens)
    hidden = torch.full((tokens, tokens), float("-inf"), dtype=query.dtype).triu_(1)
    weights = torch.softmax(scores + hidden, dim=-1).view(key_heads, shared * tokens, tokens)
    return (weights @ value).view(heads, tokens, head_dim)
