"""What one pass through a decoder of Llama's shape keeps for its gradients.

Counted tensor by tensor, as `torch.autograd.graph.saved_tensors_hooks` shows them.
"""

from assistant.model_specs import ModelSpec
from assistant.plan.weights import Storage
from assistant_finetune.training.settings import Settings

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_TOGETHER, _MOST_LOGITS = 256, 1 << 23
"""Positions whose logits are in memory at once on a CPU, fewer where a vocabulary is very large."""
_WRITTEN_OUT = 128
"""Samples up to 256 tokens keep a weight for each of their pairs; reckoned with half of that."""
_GPU_TILE = 4096, 32768
"""Positions whose logits TRL holds at once on a GPU, and the vocabulary's part of them."""
_BYTES = {"bf16": 2, "fp32": 4}
_FLOAT = 4


def held_bytes(spec: ModelSpec, settings: Settings, storage: Storage) -> int:
    """Of all layers, with a matrix that is unpacked and the attention's mask."""
    rows, length = settings.micro_batch_size or 1, settings.max_length or 2048
    tokens, width = rows * length, _BYTES[settings.precision]
    stream = _stream_width(settings)
    layer = layer_bytes(spec, settings) * tokens
    if settings.checkpointing:
        inputs = 0 if settings.offload else spec.layers * spec.hidden_size * stream * tokens
        held = inputs + layer
    else:
        held = 0 if settings.offload else spec.layers * layer
    last = (stream + width) * spec.hidden_size * tokens  # what the head gets, and the last norm
    mask = rows * length**2 * (1 + width)  # as truth values, and as what is added to scores
    unpacked = 0
    if storage in ("nf4", "gptq"):
        widest = spec.hidden_size * max(spec.intermediate_size, spec.hidden_size)
        unpacked = widest * (2 * width if storage == "nf4" else 10)
    return held + last + mask + unpacked


def _stream_width(settings: Settings) -> int:
    """Bytes of a number between the layers: as the embeddings are held."""
    return _FLOAT if settings.method == "full" else _BYTES[settings.precision]


def layer_bytes(spec: ModelSpec, settings: Settings) -> int:
    """Bytes for each token that one layer keeps."""
    width = _BYTES[settings.precision]
    hidden, inner = spec.hidden_size, spec.intermediate_size
    queries, keys = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
    # Queries and keys behind their rotation, values, what attention makes of them, and the weights
    # of pairs; both branches of the feed-forward part, and what the activation makes of one.
    pairs = spec.heads * min(_WRITTEN_OUT, settings.max_length or _WRITTEN_OUT) * width
    plain = (2 * queries + 2 * keys + 3 * inner) * width + pairs
    # The inputs of both norms in float32; where their factors learn, also what is multiplied.
    norms = 2 * hidden * _FLOAT * (2 if settings.method == "full" else 1)
    return plain + norms + _inputs(spec, settings)


def _inputs(spec: ModelSpec, settings: Settings) -> int:
    """Bytes for each token that layers which learn keep of their inputs."""
    full = settings.method == "full"
    targets = ALL if full else settings.targets or ALL
    queries = spec.heads * spec.head_dim
    sizes = {"o_proj": queries, "down_proj": spec.intermediate_size}
    found = 0
    if settings.precision == "bf16":
        # A copy in 16 bits for each layer; where all learn, what attention gives is one.
        copied = [name for name in targets if not (full and name == "o_proj")]
        found = 2 * sum(sizes.get(name, spec.hidden_size) for name in copied)
    else:
        shared = {"q_proj": "norm", "k_proj": "norm", "v_proj": "norm", "gate_proj": "other norm"}
        shared |= {"up_proj": "other norm", "down_proj": "product"}
        kept = {
            shared[name]: sizes.get(name, spec.hidden_size) for name in targets if name in shared
        }
        found = _FLOAT * sum(kept.values())
    if full:
        return found
    if settings.dropout:
        # What is left of each input in float32, with which of it is.
        found += 5 * sum(sizes.get(name, spec.hidden_size) for name in targets)
    return found + len(targets) * (settings.rank or 16) * _BYTES[settings.precision]


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
