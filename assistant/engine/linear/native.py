"""The kernel of `int4.cpp`, compiled on this machine where that is possible.

PyTorch's own int4 kernel unpacks its weights for every four rows and in one way for all
processors with AVX-512. This one does so for every eight, with the instructions for bfloat16. On
a Zen 5 with two cores, a layer of 2048 to 5632 takes, in microseconds, 131 for one row and 304 for
eight, where gptqmodel's layer with PyTorch's kernel takes 180 and 580 (`bench/linear.py`). It needs
a processor that has them, Linux, and GCC, which compiles it once in a few seconds; without,
PyTorch's kernel serves.
"""

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch

from assistant.engine.threads import openmp_runtimes
from assistant.paths import state_dir

logger = logging.getLogger(__name__)

BLOCK = 16
"""Outputs that stand together; inputs come in eights."""
_SOURCE = Path(__file__).with_name("int4.cpp")
_FLAGS = (
    *("-std=c++17", "-O3", "-fPIC", "-shared", "-fopenmp"),
    *("-mfma", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512bf16"),
)
_COMPILE_SECONDS = 120
_SHIFTS = (0, 4, 8, 12)


class NativeKernel:
    """The compiled functions. Weights are `levels[code] * scale + zero`.

    `packed` is as `pack` makes it, `pairs` are `[K / group, N, 2]`, scale and zero, and `levels`
    `[16]`, both in bfloat16. N is a multiple of 16 and a group of 32.
    """

    def __init__(self, library: Any) -> None:
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        sizes = [number] * 3
        self._multiply = library.assistant_int4_multiply
        self._multiply.argtypes = [pointer, number, *[pointer] * 3, *sizes, pointer]
        self._multiply.restype = None
        self._unpack = library.assistant_int4_unpack
        self._unpack.argtypes = [*[pointer] * 3, *sizes, pointer]
        self._unpack.restype = None

    def multiply(
        self, rows: torch.Tensor, packed: torch.Tensor, pairs: torch.Tensor, levels: torch.Tensor
    ) -> torch.Tensor:
        """`rows` `[M, K]` in bfloat16 times the weights: `[M, N]` in bfloat16."""
        rows = rows.contiguous()
        groups, outputs, _ = pairs.shape
        number, inputs = rows.shape
        product = torch.empty(number, outputs, dtype=torch.bfloat16)
        self._multiply(
            *(rows.data_ptr(), number, packed.data_ptr(), pairs.data_ptr(), levels.data_ptr()),
            *(outputs, inputs, inputs // groups, product.data_ptr()),
        )
        return product

    def unpack(
        self, packed: torch.Tensor, pairs: torch.Tensor, levels: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Write the weights to `out`, `[N, K]` in bfloat16."""
        outputs, inputs = out.shape
        self._unpack(
            *(packed.data_ptr(), pairs.data_ptr(), levels.data_ptr()),
            *(outputs, inputs, inputs // pairs.shape[0], out.data_ptr()),
        )


def pack(codes: torch.Tensor) -> torch.Tensor:
    """Codes 0 to 15, `[N, K]` of any integer type, in the kernel's order: bytes `[N, K / 2]`."""
    outputs, inputs = codes.shape
    places = codes.to(torch.int32).view(outputs // BLOCK, BLOCK, inputs // 8, len(_SHIFTS), 2)
    places = places.permute(0, 2, 1, 4, 3)
    words = (places << torch.tensor(_SHIFTS, dtype=torch.int32)).sum(-1, dtype=torch.int32)
    # The lower half of each word of 32 bits: the order of bytes is x86's.
    return words.view(torch.int16)[..., ::2].contiguous().view(torch.uint8).view(outputs, -1)


@cache
def find_kernel() -> NativeKernel | None:
    """The kernel, compiled if that was not done before, or None where there cannot be one."""
    capabilities: Any = torch.cpu
    if sys.platform != "linux" or not capabilities._is_avx512_bf16_supported():
        return None
    if os.environ.get("ATEN_CPU_CAPABILITY", "avx512") != "avx512":
        return None  # somebody wants to see what other processors do
    try:
        kernel = NativeKernel(ctypes.CDLL(str(_compiled())))
    except (OSError, subprocess.SubprocessError) as error:
        logger.info("there is no native int4 kernel: %s", error)
        return None
    if len(openmp_runtimes()) != 1:
        # Each has threads of its own, and those wait by spinning on the other's cores.
        logger.info("there is no native int4 kernel: PyTorch has an OpenMP of its own")
        return None
    return kernel


def _compiled() -> Path:
    """The library, compiled unless it is there. Raises OSError or SubprocessError."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise FileNotFoundError("g++ is not installed")
    source = _SOURCE.read_bytes()
    name = hashlib.sha256(source + " ".join(_FLAGS).encode()).hexdigest()[:16]
    folder = state_dir() / "kernels"
    library = folder / f"int4-{name}.so"
    if library.is_file():
        return library
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        made = Path(scratch) / library.name
        subprocess.run(
            [compiler, *_FLAGS, str(_SOURCE), "-o", str(made)],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_COMPILE_SECONDS,
        )
        os.replace(made, library)
    return library
