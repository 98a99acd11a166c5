"""Attention for one new token on the CPU, where heads share keys and values."""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_NAME = "assistant_packed"


def use_packed_attention(model: Any) -> None:
    """Let `model` compute the attention of single tokens in packed form, where that is faster.

    Query heads that share a key head become the rows of one product instead of products of their
    own over the same keys. The result is the same; on the CPU in bfloat16 it takes a sixth of the
    time at 6 heads over 2, and less at more. Models with another attention keep theirs.
    """
    if model.device.type != "cpu" or model.config._attn_implementation != "sdpa":
        return
    AttentionInterface.register(_NAME, packed_attention)
    AttentionMaskInterface.register(_NAME, sdpa_mask)
    model.set_attn_implementation(_NAME)


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' attention function; see there. `[1, heads, tokens, head_dim]` each.

    Everything but one unmasked token goes to transformers' own.
    """
    batch, heads, tokens, _ = query.shape
    shared = heads // key.shape[1]
    special = attention_mask is not None or kwargs.get("position_bias") is not None
    if tokens != 1 or shared == 1 or special or module.training:
        result: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **kwargs
        )
        return result
    rows = query.reshape(batch, key.shape[1], shared, -1)
    found = scaled_dot_product_attention(rows, key, value, scale=kwargs.get("scaling"))
    return found.reshape(batch, 1, heads, -1), None
