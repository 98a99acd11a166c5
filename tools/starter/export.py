"""Writes the shipped folder: `python -m tools.starter.export` fills `assistant/starter/`."""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tools.starter import card, model
from tools.starter.tokenizer import SPECIAL

TARGET = Path("assistant/starter")
ENDS = ("<|end|>", "<|eos|>")


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The checkpoint's parameters in bf16; the output layer is the embedding and is left out."""
    state = torch.load(checkpoint, weights_only=True)["model"]
    return {
        name: value.to(torch.bfloat16).contiguous()
        for name, value in state.items()
        if name != "lm_head.weight"
    }


def _settings() -> dict[str, dict[str, Any]]:
    numbers = {name: number for number, name in enumerate(SPECIAL)}
    ends = [numbers[name] for name in ENDS]
    shape = model.config()
    shape.architectures = ["LlamaForCausalLM"]
    shape.dtype = torch.bfloat16
    names = {"bos_token": "<|bos|>", "eos_token": "<|eos|>", "pad_token": "<|pad|>"}
    return {
        "config.json": shape.to_dict(),
        "generation_config.json": {
            "bos_token_id": numbers["<|bos|>"],
            "eos_token_id": ends,
            "pad_token_id": numbers["<|pad|>"],
            "do_sample": False,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": model.CONTEXT,
            "clean_up_tokenization_spaces": False,
            **names,
        },
        "assistant.json": {
            "chat_format": "starter",
            "fim_format": "starter",
            "wording": "brief",
            "context": model.CONTEXT,
        },
    }


def export(run: Path, target: Path) -> None:
    """Write weights, tokenizer, settings and card."""
    target.mkdir(parents=True, exist_ok=True)
    part = target / "model.safetensors.part"
    save_file(weights(run / "checkpoint.pt"), part, metadata={"format": "pt"})
    part.chmod(0o644)
    part.replace(target / "model.safetensors")
    shutil.copyfile(run / "tokenizer.json", target / "tokenizer.json")
    for name, content in _settings().items():
        (target / name).write_text(json.dumps(content, indent=2) + "\n")
    (target / "MODEL_CARD.md").write_text(card.write(run))


def main() -> None:
    """Export the run's checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path(".starter"))
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args()
    export(options.run, options.target)


if __name__ == "__main__":
    main()
