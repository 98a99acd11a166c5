"""The memory that training takes, by what it is for.

Reckoned from widths alone, for decoders of Llama's shape, as it is when there is most of it: when
the loss is there and the gradients begin. What the terms of the activations count is said in
`activations`. Loading passes through the pages of the weights' files besides, which the system
takes back when it needs them.
"""

from dataclasses import dataclass, fields

from assistant.model_specs import ModelSpec
from assistant.plan.weights import Storage, weights_of
from assistant_finetune.fitting.activations import (
    ALL,
    held_bytes,
    is_joined,
    logits_bytes,
    made_bytes,
)
from assistant_finetune.training.settings import Settings

_RUNTIME = {"cpu": 745_000_000, "cuda": 700_000_000}
"""The program and its libraries, without a model; on a GPU its part of them."""
_LAYER_RUNTIME = {"cpu": 65_000_000, "cuda": 0}
"""The packages that know other kinds of layers: PEFT imports them to look whether a layer is one of
theirs, but knows that NF4 is not, and has no question where all weights are trained."""
_HEAP = {"bf16": 0.65, "fp32": 0.4}
_HEAP_PLAIN = 0.25
_HEAP_TWICE = 0.33
"""What the C library holds beside activations and logits, as a share of them.

On a CPU PyTorch asks for aligned pieces, and in a hole that one of them left glibc finds no place
for another one of the same size: holes stay, and the heap grows beside them. It was between 0.4 and
0.9 in what was measured with copies in 16 bits, 0.2 and 0.6 in float32, which makes none, and 0.14
and 0.26 where all weights learn in float32. Where activations are computed twice, each layer leaves
its output in the middle of what it has freed, and holes were 0.28 to 0.45 of all that the layers
have made. With a small MALLOC_MMAP_THRESHOLD_, so that each piece goes back to the system, there is
nothing of it, and a step takes a third longer.
"""
_BYTES = {"bf16": 2, "fp32": 4}


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes, by what they are for."""

    weights: int
    """With what is made of them to compute."""
    adapters: int
    """The trained parameters, where they are not the weights themselves."""
    gradients: int
    optimizer: int
    activations: int
    logits: int
    heap: int
    """Holes between all these, which the C library keeps."""
    runtime: int

    @property
    def total(self) -> int:
        """All together, at the peak."""
        return sum(int(getattr(self, one.name)) for one in fields(self))


def storage_of(spec: ModelSpec, settings: Settings) -> Storage:
    """How the weights are held for the chosen method."""
    if settings.method != "qlora":
        return "bf16"
    return "gptq" if "full" not in spec.variants else "nf4"


def trained_parameters(spec: ModelSpec, settings: Settings) -> int:
    """How many numbers are learned."""
    if settings.method == "full":
        return spec.parameters
    rank = settings.rank or 16
    return spec.layers * rank * sum(_sides(spec, name) for name in settings.targets or ALL)


def _sides(spec: ModelSpec, name: str) -> int:
    """The inputs and outputs of a layer together."""
    queries, keys = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
    others = {"q_proj": queries, "k_proj": keys, "v_proj": keys, "o_proj": queries}
    return spec.hidden_size + others.get(name, spec.intermediate_size)


def memory_of(
    spec: ModelSpec, settings: Settings, device: str, processes: int = 1
) -> TrainingMemory:
    """The peak of each process of a run with settings in which nothing is left to choose.

    `device` is `cpu` or `cuda`.
    """
    storage = storage_of(spec, settings)
    trained = trained_parameters(spec, settings)
    full = settings.method == "full"
    held = _BYTES["fp32"] if full else _BYTES[settings.adapter_precision or "fp32"]
    state = 2 if settings.optimizer == "adamw-8bit" else 2 * (4 if device == "cuda" else held)
    # Mixed precision computes with a copy of each parameter in 16 bits, which it keeps for a pass.
    mixed = held == 4 and settings.precision == "bf16" and not is_joined(settings, device)
    copied = 2 * trained if mixed else 0
    asks = not full and (storage != "nf4" or bool(settings.unpacked))
    activations = held_bytes(spec, settings, storage, device)
    logits = logits_bytes(spec, settings, device)
    gradients = trained * held
    if settings.accumulation(processes) == 1 and processes == 1:
        # They come while activations go: at the peak there are none yet.
        gradients = max(0, gradients - activations - logits - copied)
    return TrainingMemory(
        weights=copied
        + (spec.parameters * 4 if full else _weights(spec, storage, settings, device)),
        adapters=0 if full else trained * held,
        gradients=gradients if processes == 1 else 2 * gradients,  # averaged in a copy
        optimizer=trained * state,
        activations=activations,
        logits=logits,
        heap=_holes(spec, settings, activations + logits) if device == "cpu" else 0,
        runtime=_RUNTIME[device] + (_LAYER_RUNTIME[device] if asks else 0),
    )


def _holes(spec: ModelSpec, settings: Settings, held: int) -> int:
    """What the C library keeps beside so many bytes of activations and logits."""
    if settings.checkpointing:
        return int(_HEAP_TWICE * made_bytes(spec, settings, "cpu"))
    plain = settings.method == "full" and settings.precision == "fp32"
    return int((_HEAP_PLAIN if plain else _HEAP[settings.precision]) * held)


def _weights(spec: ModelSpec, storage: Storage, settings: Settings, device: str) -> int:
    found = weights_of(spec, storage, device, copied=False)
    width = _BYTES[settings.precision]
    if storage == "bf16" or settings.unpacked:
        return spec.parameters * width
    tables = (1 if spec.tied_embeddings else 2) * spec.vocab_size * spec.hidden_size
    return found.layers + tables * width
