"""Writes the shipped folder: `python -m tools.starter.export` fills `assistant/starter/`.

It holds the weights, the tokenizer, their settings, and the model card with what was measured.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tools.starter import card, model
from tools.starter.evaluate import evaluate
from tools.starter.tokenizer import SPECIAL

TARGET = Path("assistant/starter")
ENDS = ("<|end|>", "<|eos|>")


def weights(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The parameters in bf16; the output layer is the embedding and is left out."""
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


def export(run: Path, target: Path) -> int:
    """Write weights, tokenizer and settings; give the step that they are from."""
    target.mkdir(parents=True, exist_ok=True)
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    said = {"format": "pt", "step": str(state["step"]), "tokens": str(state["tokens"])}
    part = target / "model.safetensors.part"
    save_file(weights(state["model"]), part, metadata=said)
    part.chmod(0o644)
    part.replace(target / "model.safetensors")
    shutil.copyfile(run / "tokenizer.json", target / "tokenizer.json")
    for name, content in _settings().items():
        (target / name).write_text(json.dumps(content, indent=2) + "\n")
    return int(state["step"])


def main() -> None:
    """Export the run's checkpoint, measure it and write its card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path(".starter"))
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--places", type=int, default=300, help="see tools.starter.evaluate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--unmeasured", action="store_true", help="take no time to evaluate")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    step = export(options.run, options.target)
    if not options.unmeasured and card.evaluation(options.run, step) is None:
        evaluate(options.target, options.run, options.places)
    (options.target / "MODEL_CARD.md").write_text(card.write(options.run, options.target))


if __name__ == "__main__":
    main()
