"""What one pass through a decoder of Llama's shape keeps for its gradients.

Counted tensor by tensor, as `torch.autograd.graph.saved_tensors_hooks` shows them.
"""

from assistant.model_specs import ModelSpec
from assistant.plan.weights import Storage
from assistant_finetune.training.settings import Settings

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_TOGETHER, _MOST_LOGITS = 128, 1 << 22
"""Positions whose logits are in memory at once on a CPU, fewer where a vocabulary is very large."""
_WRITTEN_OUT = 128
"""Samples up to 256 tokens keep a weight for each of their pairs; reckoned with half of that."""
_GPU_TILE = 4096, 32768
"""Positions whose logits TRL holds at once on a GPU, and the vocabulary's part of them."""
_BYTES = {"bf16": 2, "fp32": 4}
_FLOAT = 4


def is_joined(settings: Settings, device: str) -> bool:
    """Whether adapters are computed in one step with their layers."""
    special = settings.method == "full" or settings.dropout or settings.dora
    return device == "cpu" and not special


def held_bytes(spec: ModelSpec, settings: Settings, storage: Storage, device: str) -> int:
    """Of all layers, with a matrix that is unpacked and the attention's mask."""
    rows, length = settings.micro_batch_size or 1, settings.max_length or 2048
    tokens, width = rows * length, _BYTES[settings.precision]
    stream = _stream_width(settings)
    made = made_bytes(spec, settings, device)
    if settings.checkpointing:
        inputs = 0 if settings.offload else spec.layers * spec.hidden_size * stream * tokens
        held = inputs + made // spec.layers
    else:
        held = 0 if settings.offload else made
    last = (stream + width) * spec.hidden_size * tokens  # what the head gets, and the last norm
    mask = rows * length**2 * (1 + width)  # as truth values, and as what is added to scores
    unpacked = 0
    if storage in ("nf4", "gptq") and not settings.unpacked:
        widest = spec.hidden_size * max(spec.intermediate_size, spec.hidden_size)
        unpacked = widest * (width if storage == "nf4" else 10)
    return held + last + mask + unpacked


def made_bytes(spec: ModelSpec, settings: Settings, device: str) -> int:
    """What all layers would keep together, whether they keep it or compute it twice."""
    tokens = (settings.micro_batch_size or 1) * (settings.max_length or 2048)
    return spec.layers * layer_bytes(spec, settings, device) * tokens


def _stream_width(settings: Settings) -> int:
    """Bytes of a number between the layers: as the embeddings are held."""
    return _FLOAT if settings.method == "full" else _BYTES[settings.precision]


def layer_bytes(spec: ModelSpec, settings: Settings, device: str) -> int:
    """Bytes for each token that one layer keeps."""
    width = _BYTES[settings.precision]
    hidden, inner = spec.hidden_size, spec.intermediate_size
    queries, keys = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
    # Queries and keys behind their rotation, values, and the weights of pairs; both branches of the
    # feed-forward part, and what the activation makes of one.
    pairs = spec.heads * min(_WRITTEN_OUT, settings.max_length or _WRITTEN_OUT) * width
    plain = (queries + 2 * keys + 3 * inner) * width + pairs
    # The inputs of both norms: as they come where one step of autograd computes them, or else in
    # float32; where their factors learn, also what is multiplied.
    full = settings.method == "full"
    norms = 2 * hidden * (2 * _FLOAT if full else width if device == "cpu" else _FLOAT)
    return plain + norms + _inputs(spec, settings, device)


def _inputs(spec: ModelSpec, settings: Settings, device: str) -> int:
    """Bytes for each token that layers which learn keep of their inputs."""
    full, width = settings.method == "full", _BYTES[settings.precision]
    targets = ALL if full else settings.targets or ALL
    queries, hidden = spec.heads * spec.head_dim, spec.hidden_size
    sizes = {"o_proj": queries, "down_proj": spec.intermediate_size}
    each = sum(sizes.get(name, hidden) for name in targets)
    # A copy in 16 bits for each layer, or what dropout has left for it.
    own = (settings.precision == "bf16" or settings.dropout > 0) and not is_joined(settings, device)
    if own:
        found = width * each
    else:
        shared = {"q_proj": "norm", "k_proj": "norm", "v_proj": "norm", "gate_proj": "other norm"}
        shared |= {"up_proj": "other norm"}
        kept = {shared.get(name, name): sizes.get(name, hidden) for name in targets}
        found = width * sum(kept.values())
    if full:
        return found
    if device != "cpu" and (own or "o_proj" not in targets):
        found += width * queries  # what attention gives: its kernels keep that themselves
    if settings.dropout:
        found += each * (_FLOAT if device == "cpu" else 1)  # by what each number was multiplied
    return found + len(targets) * (settings.rank or 16) * width


def logits_together(vocabulary: int) -> int:
    """Positions whose logits are in memory at once on a CPU."""
    return max(1, min(_TOGETHER, _MOST_LOGITS // vocabulary))


def logits_bytes(spec: ModelSpec, settings: Settings, device: str) -> int:
    """Of the logits that are there at once, and of gradients that are made with them."""
    tokens = (settings.micro_batch_size or 1) * (settings.max_length or 2048)
    if device == "cpu":
        width = _BYTES[settings.precision]
        logits = min(tokens, logits_together(spec.vocab_size)) * spec.vocab_size
        # As they come, in float32, and while their exponents are summed up; the last states and
        # their gradient; that of the matrix, where it learns.
        head = spec.vocab_size * spec.hidden_size * _FLOAT if settings.method == "full" else 0
        return logits * (width + 2 * _FLOAT) + 2 * tokens * spec.hidden_size * width + head
    positions, part = _GPU_TILE
    tile = min(tokens, positions) * min(spec.vocab_size, part)
    # A tile in 16 bits and what is computed of it in 32, and the gradient of the last states.
    return tile * (2 + 3 * _FLOAT) + tokens * spec.hidden_size * 6
