"""GGUF of a model's folder by llama.cpp's own converter, and llama.cpp to ask what came of it."""

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import torch

from assistant.errors import AssistantError, UsageError

CONVERTER = "convert_hf_to_gguf.py"
Weights = Literal["bf16", "f16", "q8_0"]
"""What the converter makes of matrices; smaller ones are made of these by llama.cpp's quantizer."""


def find_converter(named: str | None) -> Path:
    """The converter: a file, or the folder of llama.cpp that holds it. Raises UsageError."""
    if named is None:
        raise UsageError(
            f"say where llama.cpp's {CONVERTER} is: --converter PATH, or gguf_converter in the "
            "settings; it comes with llama.cpp's source"
        )
    path = Path(named).expanduser().absolute()
    file = path / CONVERTER if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"there is no {file}: name llama.cpp's {CONVERTER} or the folder it is in")
    return file


def convert(model: Path, file: Path, converter: Path, weights: Weights) -> None:
    """Run the converter. Raises AssistantError with the last line of what it says."""
    done = subprocess.run(
        [sys.executable, str(converter), str(model), "--outfile", str(file), "--outtype", weights],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    if done.returncode or not file.is_file():
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise AssistantError(
            f"{converter.name} failed: {said[-1].strip() if said else 'it says nothing'}"
        )


def can_be_asked() -> bool:
    """Whether llama.cpp is here to run a GGUF file, as the package llama-cpp-python."""
    return importlib.util.find_spec("llama_cpp") is not None


class LlamaCpp:
    """A GGUF file that is asked by llama.cpp."""

    def __init__(self, file: Path, context: int) -> None:
        """`context` is the most tokens that are asked of at once.

        Raises AssistantError where llama.cpp cannot load it.
        """
        llama_cpp: Any = importlib.import_module("llama_cpp")
        try:
            self._model = llama_cpp.Llama(
                str(file), n_ctx=context, n_batch=context, logits_all=True, verbose=False
            )
        except (ValueError, RuntimeError) as error:
            raise AssistantError(f"llama.cpp cannot load what was converted: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._model.close()

    def logits(self, ids: Sequence[int]) -> torch.Tensor:
        """What it thinks of the next token behind each: `[ids, vocabulary]`."""
        self._model.reset()
        self._model.eval(list(ids))
        return torch.from_numpy(self._model.scores[: len(ids)].copy())

    def tokenize(self, text: str) -> list[int]:
        """Its tokens of a text, without any that begins or ends it."""
        found: list[int] = self._model.tokenize(text.encode(), add_bos=False, special=False)
        return found
