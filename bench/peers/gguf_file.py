"""A Llama's folder as a GGUF file, for llama.cpp."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType
from safetensors import safe_open

Array = npt.NDArray[np.float32]

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_TOP = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def write_gguf(
    source: Path,
    file: Path,
    matrices: GGMLQuantizationType,
    output: GGMLQuantizationType | None = None,
) -> Path:
    """Write the weights of `source` to `file` unless it is there.

    `matrices` is the form of the embedding and of all matrices in the blocks, `output` that of the
    last one (the same unless it is given); norms are float32. The tokens have names only: they are
    fed as ids.
    """
    if file.is_file():
        return file
    config = json.loads((source / "config.json").read_text("utf-8"))
    unfinished = file.with_suffix(".unfinished")
    writer = gguf.GGUFWriter(unfinished, "llama")
    _add_config(writer, config)
    for name, array in _tensors(source, config):
        kind = matrices if array.ndim == 2 else GGMLQuantizationType.F32
        if name == "output.weight" and output is not None:
            kind = output
        writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return unfinished.rename(file)


def _add_config(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    rope: dict[str, Any] = config.get("rope_parameters") or config
    writer.add_name("benchmark")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(hidden)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_dimension_count(config.get("head_dim") or hidden // heads)
    writer.add_rope_freq_base(float(rope.get("rope_theta", 10_000.0)))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    vocabulary = config["vocab_size"]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"<{number}>" for number in range(vocabulary)])
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_token_types([int(gguf.TokenType.NORMAL)] * vocabulary)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)


def _tensors(source: Path, config: dict[str, Any]) -> Iterator[tuple[str, Array]]:
    """All tensors, named and ordered as llama.cpp has them; tied embeddings are written once."""
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    with safe_open(source / "model.safetensors", "pt") as weights:
        for name in weights.offset_keys():
            array = weights.get_tensor(name).float().numpy()
            if name in _TOP:
                yield _TOP[name], array
                continue
            block, part = name.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
            short = NAMES[part]
            if short in heads:
                array = interleave(array, heads[short])
            yield f"blk.{block}.{short}.weight", array


def interleave(array: Array, heads: int) -> Array:
    """Rows of a query or key matrix in the order of llama.cpp, which rotates neighbours.

    transformers rotates row i of a head with row i + half; llama.cpp's Llama rotates rows 2i and
    2i + 1.
    """
    rows, columns = array.shape
    halves = array.reshape(heads, 2, rows // heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, columns))
