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
    copied_layer_prompt: float
    """The same through a layer of which a copy in bfloat16 is kept."""
    head: float
    """The logits of one token."""

    def tokens_per_second(self, layers: int) -> float:
        """How fast an answer grows."""
        return 1 / (layers * self.layer_token + self.head)

    def first_token_seconds(self, layers: int, copied: float) -> float:
        """Until the answer to such a prompt begins; of a share `copied` there are copies."""
        layer = (1 - copied) * self.layer_prompt + copied * self.copied_layer_prompt
        return (layers - _LAST_LAYER_SPARES) * layer + self.head


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds that grow evenly with the size of a thing."""

    start: float
    """Whatever the size."""
    each: float

    def at(self, size: float) -> float:
        """The seconds for a size."""
        return self.start + self.each * size


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds by what is done, for weights in one form on one device."""

    token: Line
    """One token through one layer, by the bytes of its weights."""
    cache_byte: float
    """A byte of keys and values, for one token, where several heads share them."""
    own_cache_byte: float
    """The same where each head has its own."""
    head_byte: float
    """A byte of the head's weights, for one token."""
    prompt: Line
    """A prompt of PROMPT_TOKENS through one layer, by operations with its weights."""
    copied_prompt: Line
    """The same with a copy of the weights in bfloat16."""
    attention_operation: float
    """An operation with keys and values, for such a prompt."""

    def timing(self, spec: ModelSpec, weights: Weights) -> Timing:
        """What a model with these weights takes, by its widths."""
        share = active_share(spec)
        operations = 2 * PROMPT_TOKENS * layer_parameters(spec) * share / spec.layers
        attention = attention_operations(spec) * self.attention_operation
        cache = 4 * PROMPT_TOKENS * spec.kv_heads * spec.head_dim
        shared = spec.heads != spec.kv_heads
        return Timing(
            layer_token=self.token.at(weights.layers * share / spec.layers)
            + cache * (self.cache_byte if shared else self.own_cache_byte),
            layer_prompt=self.prompt.at(operations) + attention,
            copied_layer_prompt=self.copied_prompt.at(operations) + attention,
            head=weights.head * self.head_byte,
        )


def attention_operations(spec: ModelSpec) -> int:
    """Multiplications and additions of a layer's attention over a prompt of PROMPT_TOKENS.

    Each token's query meets the keys, and its weights the values, of all tokens up to its own.
    """
    return 2 * PROMPT_TOKENS**2 * spec.heads * spec.head_dim
