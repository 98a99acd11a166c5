"""The compiled library: made where it is missing, and what crosses over to it."""

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import torch

from assistant.engine.threads import openmp_runtimes
from assistant.paths import state_dir

logger = logging.getLogger(__name__)

_FOLDER = Path(__file__).parent
_FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-fopenmp", "-mfma")
_COMPILE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Build:
    """What the library is made of for a kind of processor."""

    sources: tuple[str, ...]
    flags: tuple[str, ...]


AVX2 = Build(("layers.cpp", "coded.cpp", "plain.cpp"), ("-mavx2",))
"""Without what is for many rows, in which few are computed after few."""
AVX512 = Build(
    ("layers.cpp", "coded.cpp"),
    ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512bf16", "-mavx512vnni"),
)


class Linear(ctypes.Structure):
    """`Linear` of `linear.hpp`. Whoever fills it keeps the tensors that it points to."""

    _fields_: ClassVar = [
        ("weights", ctypes.c_void_p),
        ("pairs", ctypes.c_void_p),
        ("levels", ctypes.c_void_p),
        ("order", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("outputs", ctypes.c_int64),
        ("inputs", ctypes.c_int64),
        ("group", ctypes.c_int64),
        ("in_bytes", ctypes.c_int64),
        ("bits", ctypes.c_int64),
    ]


def address(tensor: torch.Tensor | None) -> int | None:
    """Where a tensor's numbers are; they must stand together."""
    if tensor is None:
        return None
    assert tensor.is_contiguous()
    return tensor.data_ptr()


@cache
def find_library() -> Any:
    """The library, compiled if that was not done before, or None where there cannot be one.

    With AVX-512 it has `assistant_pass_many`, with AVX2 alone `assistant_multiply_plain`.
    """
    build = _build() if sys.platform == "linux" else None
    if build is None:
        return None
    try:
        library = ctypes.CDLL(str(compiled(build)))
    except (OSError, subprocess.SubprocessError) as error:
        logger.info("there is no native library: %s", error)
        return None
    if len(openmp_runtimes()) != 1:
        # Each has threads of its own, and those wait by spinning on the other's cores.
        logger.info("there is no native library: PyTorch has an OpenMP of its own")
        return None
    return library


def _build() -> Build | None:
    """The best one for this processor, or for the one that somebody wants to see at work."""
    capabilities: Any = torch.cpu
    wanted = os.environ.get("ATEN_CPU_CAPABILITY", "avx512")
    if wanted == "avx512" and capabilities._is_avx512_bf16_supported():
        return AVX512
    # All processors with AVX2 that there are have fused products, too.
    return AVX2 if wanted in ("avx512", "avx2") and capabilities._is_avx2_supported() else None


def compiled(build: Build) -> Path:
    """The library's file, made unless it is there. Raises OSError or SubprocessError."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise FileNotFoundError("g++ is not installed")
    flags = (*_FLAGS, *build.flags)
    texts = [file.read_bytes() for file in sorted(_FOLDER.glob("*.[ch]pp"))]
    name = hashlib.sha256(b"".join(texts) + " ".join(flags).encode()).hexdigest()[:16]
    folder = state_dir() / "kernels"
    library = folder / f"layers-{name}.so"
    if library.is_file():
        return library
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        made = Path(scratch) / library.name
        sources = [str(_FOLDER / source) for source in build.sources]
        subprocess.run(
            [compiler, *flags, *sources, "-o", str(made)],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_COMPILE_SECONDS,
        )
        os.replace(made, library)
    return library
