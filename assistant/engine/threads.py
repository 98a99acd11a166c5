"""How PyTorch's worker threads wait for each other. To be called before PyTorch is imported."""

import os

_SPINS = 2000
"""Looks at a barrier before a thread goes to sleep: some ten microseconds."""


def wait_briefly() -> None:
    """Let OpenMP's threads spin for a moment where they wait, and then sleep; as the user has set
    it, where the environment says something already.

    Spinning on, which is OpenMP's default, costs many times a model's speed where anything else
    computes on the same cores, as beside an editor it does. Sleeping at once costs a wake-up at
    each of the hundreds of barriers of a pass: on two cores a 1.1B model in 4 bits decodes a
    fifth slower, and the starter at half the speed. libgomp counts spins; others know the policy.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", str(_SPINS))
