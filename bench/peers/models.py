"""Which models are run, made where they are missing, and by whom."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import AssistantError
from assistant.registry import STARTER, locate
from bench.random_models import save_gptq, save_random

OURS = "assistant"
LLAMA = "llama.cpp"


@dataclass(frozen=True, slots=True)
class Setup:
    """A model and its contenders."""

    name: str
    contenders: Mapping[str, tuple[str, ...]]
    """By name, what `bench.peers.worker` takes. The first is ours, and `LLAMA` is among them."""


def starter(folder: Path) -> Setup:
    """The starter in 4 bits, as llama.cpp has it in its fastest form, and as it is shipped."""
    source = locate(STARTER).folder
    file = _q4_0(source, folder / "starter-q4_0.gguf")
    return Setup(
        "starter",
        {
            OURS: ("ours", str(source), "int4"),
            LLAMA: ("llama.cpp", str(file)),
            f"{OURS} bf16": ("ours", str(source)),
            "generate": ("generate", str(source)),
            "transformers serve": ("serve", str(source)),
        },
    )


def random_llama(folder: Path, source: Path | None = None) -> Setup:
    """A random Llama, of 1.1 billion parameters unless `source` has another, in 4 bits.

    llama.cpp gets Q4_0 for all matrices, the last one included, which makes it a little faster
    than its own quantizer's choice for that one, Q6_K, would.
    """
    source = source or save_random(folder / "llama-1b")
    gptq = save_gptq(source, folder / f"{source.name}-gptq")
    file = _q4_0(source, folder / f"{source.name}-q4_0.gguf")
    return Setup(
        "1b",
        {
            OURS: ("ours", str(source), "int4"),
            LLAMA: ("llama.cpp", str(file)),
            f"{OURS} GPTQ": ("ours", str(gptq)),
            "generate": ("generate", str(source)),
            "generate GPTQ": ("generate", str(gptq)),
            "transformers serve": ("serve", str(source)),
        },
    )


def _q4_0(source: Path, file: Path) -> Path:
    """llama.cpp's form of a model. Raises AssistantError when its packages are missing."""
    for package in ("gguf", "llama_cpp"):
        if importlib.util.find_spec(package) is None:
            raise AssistantError(
                f"this benchmark needs the package {package}: pip install 'assistant[bench]'"
            )
    from gguf import GGMLQuantizationType

    from bench.peers.gguf_file import write_gguf

    return write_gguf(source, file, GGMLQuantizationType.Q4_0)
