"""The bytes that a model's weights take, by the form in which they are held."""

from dataclasses import dataclass
from typing import Literal

from assistant.model_specs import ModelSpec, Variant

Storage = Literal["bf16", "int4", "nf4", "gptq"]
"""How weights are held while the model runs.

`bf16`: 16 bits, or 32 where they are stored so. `int4`: 4 bits, made while loading on the CPU.
`nf4`: 4 bits, made by bitsandbytes while loading. `gptq`: 4 bits, as they were pulled.
"""
STORAGES: tuple[Storage, ...] = ("bf16", "int4", "nf4", "gptq")
_BITS: dict[Storage, float] = {
    "int4": 4 + 32 / 64,  # a scale and a zero point of 16 bits for 64 weights
    "nf4": 4 + 8 / 64 + 32 / (64 * 256),  # 8 bits for 64 weights, 32 for 256 of those
    "gptq": 4 + 20 / 128,  # a scale of 16 bits and a zero point of 4 for 128 weights
}
_GPTQ_BITS_ON_CPU = 4 + 32 / 128
"""There the zero points become numbers of 16 bits, too."""
_HEAD_BITS = 8 + 32 / 64
"""Of a head beside 4-bit weights for which the engine has a kernel of its own."""
_MIXTURES = ("qwen3_moe",)
"""Whose experts stand in tensors of three dimensions, which nothing quantizes while loading."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes of a model's weights."""

    layers: int
    """Of all matrices inside the layers, with the data of their quantization."""
    head: int
    """Of the matrix that makes logits."""
    embeddings: int
    """Of the table of the tokens' vectors; 0 where that is the head's matrix, too."""
    adapter: int
    copies: int
    """Of all that the engine would keep a second time if memory were no matter; see `copied`."""

    @property
    def total(self) -> int:
        """All that have to be there."""
        return self.layers + self.head + self.embeddings + self.adapter

    def copied(self, budget: int) -> int:
        """Bytes of second copies within a budget.

        On a CPU without a kernel of ours 4-bit weights are kept in bfloat16, too, by which prompts
        are read faster, and on any a head whose matrix is the table of embeddings in an order of
        its own.
        """
        return min(self.copies, max(budget, 0))


def storages_of(spec: ModelSpec, device: str) -> tuple[Storage, ...]:
    """The forms in which a device (`cpu` or `cuda`) can hold a model that can be pulled."""
    found: list[Storage] = []
    if "full" in spec.variants:
        found.append("bf16")
        if spec.architecture not in _MIXTURES:
            found.append("int4" if device == "cpu" else "nf4")
    if "gptq" in spec.variants:
        found.append("gptq")
    return tuple(found)


def variant_of(storage: Storage) -> Variant:
    """Which weights are pulled for it."""
    return "gptq" if storage == "gptq" else "full"


def layer_parameters(spec: ModelSpec) -> int:
    """The weights inside the layers."""
    tables = 1 if spec.tied_embeddings else 2
    return spec.parameters - tables * spec.vocab_size * spec.hidden_size


def active_share(spec: ModelSpec) -> float:
    """Which part of the layers' weights one token passes through."""
    if spec.active_parameters is None:
        return 1.0
    idle = spec.parameters - spec.active_parameters
    return 1 - idle / layer_parameters(spec)


def weights_of(spec: ModelSpec, storage: Storage, device: str, *, copied: bool = True) -> Weights:
    """The bytes of the weights in that form on a device of that kind (`cpu` or `cuda`).

    `copied` says whether a second copy in bfloat16 makes 4-bit weights faster there. Where it does
    not, the head beside them is in 8 bits.
    """
    table = spec.vocab_size * spec.hidden_size
    stored = spec.stored_bytes if storage == "bf16" and spec.kind != "adapter" else 2
    inside, on_cpu = layer_parameters(spec), device == "cpu"
    bits = _BITS.get(storage, 8.0 * stored)
    if storage == "gptq" and on_cpu:
        bits = _GPTQ_BITS_ON_CPU
    copies = 2 * inside if storage in _BITS and copied else 0
    own_head = on_cpu and storage in _BITS and not copied
    copies += 2 * table if spec.tied_embeddings and not own_head else 0
    return Weights(
        layers=int(inside * bits / 8),
        head=int(table * _HEAD_BITS / 8) if own_head else table * stored,
        embeddings=0 if spec.tied_embeddings and not own_head else table * stored,
        adapter=2 * spec.adapter_parameters if variant_of(storage) == "full" else 0,
        copies=copies if on_cpu else 0,
    )
