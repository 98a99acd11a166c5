"""Where the int4 kernel stops being the better way."""

from assistant.engine.linear.crossover import meeting, set_crossovers
from tests.engine.linear.conftest import MakeInt4


def test_where_two_costs_meet() -> None:
    # As measured on a Zen 5 with two cores, in microseconds.
    assert meeting(one=149, block=267, few=358, each=20) == 4
    # Where weights are unpacked first, which takes 2 ms, the kernel is better for longer.
    assert meeting(one=149, block=267, few=2500, each=20) == 48
    assert meeting(one=149, block=267, few=235, each=20) == 2
    # A kernel without instructions for it is never asked, and a superb one has its bounds, too.
    assert meeting(one=9000, block=36000, few=400, each=20) == 0
    assert meeting(one=1, block=4, few=10000, each=20) == 128


def test_layers_of_one_kind_share_a_measurement(make_int4: MakeInt4) -> None:
    layers = [make_int4(64, seed=seed)[0] for seed in range(3)]
    for layer in layers:
        layer.kernel_rows = -1
    set_crossovers(layers)
    rows = {layer.kernel_rows for layer in layers}
    assert len(rows) == 1 and 0 <= rows.pop() <= 128
