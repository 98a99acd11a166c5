"""The starter as a GGUF file with its tokenizer, for llama.cpp to fill in with."""

import json
from pathlib import Path

import gguf
import numpy as np
from safetensors.torch import load_file

from bench.peers.gguf_file import NAMES, interleave

_TYPES = {True: gguf.TokenType.CONTROL, False: gguf.TokenType.NORMAL}


def write(source: Path, file: Path) -> None:
    """Write the model in the folder `source` to `file`, in float32."""
    config = json.loads((source / "config.json").read_text())
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    _add_tokenizer(writer, source)
    _add_weights(writer, source, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter, source: Path) -> None:
    spec = json.loads((source / "tokenizer.json").read_text())
    numbers = {**spec["model"]["vocab"], **{a["content"]: a["id"] for a in spec["added_tokens"]}}
    control = {a["id"] for a in spec["added_tokens"]}
    tokens = sorted(numbers, key=numbers.__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")  # cuts nearly as the starter's own does
    writer.add_token_list(tokens)
    writer.add_token_types([int(_TYPES[number in control]) for number in range(len(tokens))])
    writer.add_token_merges([" ".join(merge) for merge in spec["model"]["merges"]])
    writer.add_bos_token_id(numbers["<|bos|>"])
    writer.add_eos_token_id(numbers["<|end|>"])
    writer.add_add_bos_token(False)


def _add_weights(writer: gguf.GGUFWriter, source: Path, config: dict[str, int]) -> None:
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    top = {"embed_tokens": "token_embd.weight", "norm": "output_norm.weight"}
    for name, tensor in load_file(source / "model.safetensors").items():
        array = tensor.float().numpy()
        path = name.removeprefix("model.").removesuffix(".weight")
        if path in top:
            writer.add_tensor(top[path], array)
            continue
        _, block, part = path.split(".", 2)
        short = NAMES[part]
        if short in heads:
            array = interleave(array, heads[short])
        writer.add_tensor(f"blk.{block}.{short}.weight", np.ascontiguousarray(array))
