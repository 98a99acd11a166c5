"""GPTQ of a model's folder by gptqmodel, in a process of its own.

gptqmodel speaks on standard output, changes variables of the environment and keeps memory; none of
it reaches who asks for a quantized model. The process is this module, told by JSON what to do.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.engine.folder import check_model_folder
from assistant.engine.load import few_cores_for_gptqmodel
from assistant.errors import AssistantError, UsageError

_BITS = 4
_GROUPS = (128, 64, 32)
"""Inputs that share a scale: the more, the smaller is the folder. Kernels know no other sizes."""
_FEWEST_TOKENS = 10
"""Shorter texts are passed over by gptqmodel."""
_MOST_TEXTS = 256
"""More do not change the weights any more (Frantar et al. 2022, arXiv 2210.17323, take 128)."""


def group_size(model: Path) -> int:
    """The largest group that divides the inputs of every layer. Raises UsageError for none."""
    tensors = check_model_folder(model).tensors
    widths = {
        tensor.shape[1]
        for name, tensor in tensors.items()
        if ".layers." in name and len(tensor.shape) == 2
    }
    for size in _GROUPS:
        if all(width % size == 0 for width in widths):
            return size
    told = ", ".join(str(width) for width in sorted(widths))
    raise UsageError(
        f"no group of {', '.join(map(str, _GROUPS))} divides the inputs of all layers ({told}): "
        "this model cannot be in GPTQ; export it with --to gguf"
    )


def quantize(model: Path, output: Path, texts: Sequence[Sequence[int]]) -> int:
    """Write the model in 4 bits into a new folder, fitted to `texts`, which are token ids.

    Returns the size of its groups. Raises UsageError where no size of groups is right or the texts
    are too short, and AssistantError with what gptqmodel says where it fails.
    """
    long = [list(ids) for ids in texts if len(ids) >= _FEWEST_TOKENS][:_MOST_TEXTS]
    if not long:
        raise UsageError(f"no text of the data has {_FEWEST_TOKENS} tokens: name more with --data")
    size = group_size(model)
    job = {"model": str(model), "output": str(output), "texts": long, "group_size": size}
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not (output / "config.json").is_file():
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise AssistantError(f"gptqmodel failed: {said[-1].strip() if said else 'it says nothing'}")
    return size


def _work(job: dict[str, Any]) -> None:
    few_cores_for_gptqmodel()
    gptqmodel: Any = importlib.import_module("gptqmodel")
    config = gptqmodel.QuantizeConfig(
        bits=_BITS,
        group_size=job["group_size"],
        # The other ways compile C++ first, which takes longer than it saves.
        pack_impl="original",
        offload_to_disk_path=str(Path(job["output"]).with_name("offloaded")),
    )
    model = gptqmodel.GPTQModel.load(job["model"], config)
    model.quantize(
        [{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in job["texts"]], batch_size=1
    )
    model.save(job["output"])


if __name__ == "__main__":
    _work(json.load(sys.stdin))
