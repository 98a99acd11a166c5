"""How long tokens take, reckoned from what was measured on one device.

A pass through a model of Llama's shape is its layers, one after the other, and the head behind the
last. What a layer takes grows with its weights and with the keys and values that it reads; a part
is the same for any width.
"""

from dataclasses import dataclass

from assistant.model_specs import ModelSpec
from assistant.plan.weights import Weights, active_share, layer_parameters

PROMPT_TOKENS = 1000
"""The prompt whose reading is timed, and behind which the tokens are made whose speed is told."""
_LAST_LAYER_SPARES = 0.7
"""In the last layer all tokens of a prompt but one need their keys and values alone."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that one model takes on one device."""

    layer_token: float
    """One token through one layer, behind a prompt of PROMPT_TOKENS."""
    layer_prompt: float
    """Such a prompt through one layer."""
    head: float
    """The logits of one token."""

    def tokens_per_second(self, layers: int) -> float:
        """How fast an answer grows."""
        return 1 / (layers * self.layer_token + self.head)

    def first_token_seconds(self, layers: int) -> float:
        """How long the first token of the answer to such a prompt takes."""
        return (layers - _LAST_LAYER_SPARES) * self.layer_prompt + self.head


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds by what is done, for weights in one form on one device."""

    layer_token: float
    """One token, one layer, whatever its width."""
    weight_byte: float
    """A byte of a layer's weights, for one token."""
    cache_byte: float
    """A byte of keys and values, for one token, where several heads share them."""
    own_cache_byte: float
    """The same where each head has its own."""
    head_byte: float
    """A byte of the head's weights, for one token."""
    layer_prompt: float
    """A prompt of PROMPT_TOKENS, one layer, whatever its width."""
    operation: float
    """A multiplication or an addition with a layer's weights, for such a prompt."""
    attention_operation: float
    """The same with keys and values."""

    def timing(self, spec: ModelSpec, weights: Weights) -> Timing:
        """What a model with these weights takes, by its widths."""
        share = active_share(spec)
        in_layer = layer_parameters(spec) * share / spec.layers
        cache = 2 * PROMPT_TOKENS * spec.kv_heads * spec.head_dim * 2
        return Timing(
            layer_token=self.layer_token
            + weights.layers * share / spec.layers * self.weight_byte
            + cache * (self.own_cache_byte if spec.heads == spec.kv_heads else self.cache_byte),
            layer_prompt=self.layer_prompt
            + 2 * in_layer * PROMPT_TOKENS * self.operation
            + attention_operations(spec) * self.attention_operation,
            head=weights.head * self.head_byte,
        )


def attention_operations(spec: ModelSpec) -> int:
    """Multiplications and additions of a layer's attention over a prompt of PROMPT_TOKENS.

    Each token's query meets the keys, and its weights the values, of all tokens up to its own.
    """
    return 2 * PROMPT_TOKENS**2 * spec.heads * spec.head_dim
