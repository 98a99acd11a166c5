"""The starter's architecture, and its loss."""

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from assistant.prompts import IGNORED
from tools.starter.tokenizer import SPECIAL, VOCABULARY

CONTEXT = 2_048


def config() -> LlamaConfig:
    """6.5 million parameters: a third of them in the embedding, which input and output share."""
    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=SPECIAL.index("<|bos|>"),
        eos_token_id=SPECIAL.index("<|eos|>"),
        pad_token_id=SPECIAL.index("<|pad|>"),
    )


def new(seed: int) -> LlamaForCausalLM:
    """An untrained model."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(config())


def loss(model: LlamaForCausalLM, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The summed negative log-likelihood of `targets`, in bf16 where that is safe."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(input_ids=inputs, use_cache=False).logits
    flat = logits.float().view(-1, logits.size(-1))
    wanted = targets.reshape(-1)
    return functional.cross_entropy(flat, wanted, ignore_index=IGNORED, reduction="sum")
