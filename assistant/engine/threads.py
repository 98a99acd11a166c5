"""How PyTorch's worker threads wait for each other, and when they end."""

import ctypes
import os
import sys
from pathlib import Path

_SPINS = 2000
"""Looks at a barrier before a thread goes to sleep: some ten microseconds."""
_SOFT = 1
"""`omp_pause_soft`: threads end, settings stay (OpenMP 5.0, section 3.2.44)."""


def wait_briefly() -> None:
    """Let OpenMP's threads spin for a moment where they wait, and then sleep; as the user has set
    it, where the environment says something already.

    To be called before PyTorch is imported. Spinning on, which is OpenMP's default, costs many
    times a model's speed where anything else computes on the same cores, as beside an editor it
    does. Sleeping at once costs a wake-up at each of the hundreds of barriers of a pass: on two
    cores a 1.1B model in 4 bits decodes a fifth slower, and the starter at half the speed. libgomp
    counts spins; others know the policy.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", str(_SPINS))


def end_workers() -> None:
    """End the worker threads that OpenMP keeps for the calling thread; new ones come when needed.

    Every thread that computes has workers of its own. When all together are more than there are
    cores, libgomp lets none of them spin any more, though most do nothing: a thread that loaded a
    model and then waits makes the engine's thread decode a quarter slower.
    """
    for runtime in openmp_runtimes():
        if "libgomp" in runtime:
            ctypes.CDLL(runtime).omp_pause_resource_all(_SOFT)


def openmp_runtimes() -> set[str]:
    """The files of the OpenMP libraries in this process; none where that cannot be seen."""
    if sys.platform != "linux":
        return set()
    lines = Path("/proc/self/maps").read_text().splitlines()
    files = {line.rpartition(" ")[2] for line in lines}
    return {file for file in files if "libgomp" in file or "libomp" in file or "libiomp" in file}
