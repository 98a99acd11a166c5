"""Where a 4-bit kernel stops being the better way."""

from assistant.engine.linear.crossover import meeting, set_crossovers
from tests.engine.linear.conftest import MakeInt4

INT4 = [(1, 149.0), (4, 267.0), (16, 1060.0)]
"""PyTorch's kernel on a Zen 5 with two cores, in microseconds."""


def test_where_two_costs_meet() -> None:
    assert meeting(INT4, [(4, 358), (64, 1600)]) == 4
    # Where weights are unpacked first, which takes 2 ms, the kernel is better for longer.
    assert meeting(INT4, [(4, 2500), (64, 3700)]) == 52
    # The kernel of bitsandbytes computes more rows at a time.
    assert meeting([(1, 290), (4, 310), (16, 600)], [(4, 358), (64, 1600)]) == 16


def test_kernels_at_the_ends() -> None:
    assert meeting([(1, 9000), (4, 36000), (16, 140000)], [(4, 400), (64, 1600)]) == 0
    assert meeting([(1, 1), (4, 4), (16, 16)], [(4, 10000), (64, 12000)]) == 128


def test_a_disturbed_measurement() -> None:
    """Fewer rows never take longer than more, whatever a busy machine says."""
    disturbed = [(1, 8000.0), *INT4[1:]]
    assert meeting(disturbed, [(4, 358), (64, 1600)]) == 4
    assert meeting([(1, 7932), (4, 7930), (16, 15942)], [(4, 7890), (64, 8034)]) == 4
    assert meeting(INT4, [(4, 16000), (64, 1600)]) == 24


def test_layers_of_one_kind_share_a_measurement(make_int4: MakeInt4) -> None:
    layers = [make_int4(64, seed=seed)[0] for seed in range(3)]
    for layer in layers:
        layer.kernel_rows = -1
    set_crossovers(layers)
    rows = {layer.kernel_rows for layer in layers}
    assert len(rows) == 1 and 0 <= rows.pop() <= 128
