"""The memory that training takes, by what it is for.

Reckoned from widths alone, for decoders of Llama's shape. What the terms of the activations count
is said beside them.
"""

from dataclasses import dataclass, fields

from assistant.model_specs import ModelSpec
from assistant.plan.weights import Storage, weights_of
from assistant_finetune.training.settings import Settings

_RUNTIME = {"cpu": 850_000_000, "cuda": 700_000_000}
"""The program and its libraries, without a model."""
_GPTQ_RUNTIME = 250_000_000
_TOKEN_CHUNK = 4096
"""Positions whose logits are held at once, and the vocabulary's part of them."""
_VOCABULARY_CHUNK = 32768
_BYTES = {"bf16": 2, "fp32": 4}
_ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes, by what they are for."""

    weights: int
    adapters: int
    """The trained parameters, where they are not the weights themselves."""
    gradients: int
    optimizer: int
    activations: int
    logits: int
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
    return spec.layers * rank * sum(_sides(spec, name) for name in settings.targets or _ALL)


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
    runtime = _RUNTIME[device]
    if storage == "gptq":
        runtime += _GPTQ_RUNTIME if device == "cpu" else 0
    return TrainingMemory(
        weights=spec.parameters * 4 if full else _weights(spec, storage, settings, device),
        adapters=0 if full else trained * held,
        gradients=trained * held * (1 if processes == 1 else 2),  # which are averaged in a copy
        optimizer=trained * state,
        activations=_activations(spec, settings, storage),
        logits=_logits(spec, settings),
        runtime=runtime,
    )


def _weights(spec: ModelSpec, storage: Storage, settings: Settings, device: str) -> int:
    found = weights_of(spec, storage, device, copied=False)
    width = _BYTES[settings.precision]
    if storage == "bf16":
        return spec.parameters * width
    tables = (1 if spec.tied_embeddings else 2) * spec.vocab_size * spec.hidden_size
    return found.layers + tables * width


def _activations(spec: ModelSpec, settings: Settings, storage: Storage) -> int:
    tokens = (settings.micro_batch_size or 1) * (settings.max_length or 2048)
    width = _BYTES[settings.precision]
    kept = _layer_activations(spec, settings) * tokens
    if settings.checkpointing:
        boundaries = 0 if settings.offload else spec.layers * spec.hidden_size * width * tokens
        kept = boundaries + kept
    else:
        kept = 0 if settings.offload else spec.layers * kept
    # The attention's mask, where rows hold several samples, and a matrix that is unpacked.
    mask = (settings.micro_batch_size or 1) * (settings.max_length or 2048) ** 2
    unpacked = 0
    if storage in ("nf4", "gptq"):
        widest = spec.hidden_size * max(spec.intermediate_size, spec.hidden_size)
        unpacked = widest * (2 if storage == "nf4" else 10)
    return kept + mask + unpacked


def _layer_activations(spec: ModelSpec, settings: Settings) -> int:
    """Bytes for each token that one layer keeps for its gradients."""
    width = _BYTES[settings.precision]
    hidden, inner = spec.hidden_size, spec.intermediate_size
    queries, keys = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
    # Two norms (their input, and it normalized in float32), the inputs of the matrices, queries
    # and keys before and behind their rotation, values, attention's output, both branches of the
    # feed-forward part, what the activation makes of one, and their product.
    elements = 4 * hidden + 2 * (queries + keys) + keys + queries + 4 * inner
    whole = elements * width + 2 * hidden * 4
    if settings.method == "full":
        return whole
    adapters = len(settings.targets or _ALL) * (settings.rank or 16) * width
    dropped = (4 * hidden + 2 * inner) * width if settings.dropout else 0
    return whole + adapters + dropped


def _logits(spec: ModelSpec, settings: Settings) -> int:
    tokens = (settings.micro_batch_size or 1) * (settings.max_length or 2048)
    tile = min(tokens, _TOKEN_CHUNK) * min(spec.vocab_size, _VOCABULARY_CHUNK)
    # A tile in 16 bits and what is computed of it in 32, and the gradient of the last states.
    return tile * (2 + 3 * 4) + tokens * spec.hidden_size * 6
