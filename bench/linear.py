"""One linear layer on the CPU, by number of rows: our layers beside those that they replace.

Each kind computes the same product from weights of the same size, and all take turns, so that
whatever else the machine does slows all. Layers are many enough that weights come from memory. The
fastest call of each counts: a slower one says what else the machine did. A ratio above 1 means that
ours is faster, but for `rows_*`, which say what more rows cost.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import torch
from torch import nn

from assistant.engine.linear.convert import convert_linears
from assistant.engine.load import few_cores_for_gptqmodel
from bench.targets import report

ROWS = (1, 2, 3, 4, 8, 16, 32, 64, 512)
GROUP = 128
_PLENTY = 1 << 40
Layer = Callable[[torch.Tensor], torch.Tensor]
Times = dict[str, dict[int, float]]


def gptq_layers(number: int, outputs: int, inputs: int) -> list[Any]:
    """Layers of gptqmodel as transformers loads them on a CPU."""
    few_cores_for_gptqmodel()
    kernels: Any = importlib.import_module("gptqmodel.nn_modules.qlinear.torch_aten_kernel")
    layers = []
    for _ in range(number):
        layer = kernels.TorchAtenLinear(
            bits=4,
            group_size=GROUP,
            sym=True,
            desc_act=False,
            in_features=inputs,
            out_features=outputs,
        )
        layer.qweight.random_(-(1 << 31), (1 << 31) - 1)
        layer.qzeros.fill_(-0x77777778)
        layer.scales.uniform_(0.001, 0.01)
        layer.qzero_format(format=2)
        layer.post_init()
        layers.append(layer.eval())
    return layers


def bitsandbytes_layers(number: int, weight: torch.Tensor) -> list[Any]:
    """Layers of bitsandbytes with `weight` in NF4."""
    modules: Any = importlib.import_module("bitsandbytes").nn
    outputs, inputs = weight.shape
    layers = []
    for _ in range(number):
        layer = modules.Linear4bit(
            inputs, outputs, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4"
        )
        layer.weight = modules.Params4bit(weight, requires_grad=False, quant_type="nf4")
        layers.append(layer.to("cpu").eval())
    return layers


def converted(layers: Sequence[Any], dense_bytes: int) -> list[Any]:
    """The layers that the engine makes of these, with so much memory for bfloat16."""
    model = nn.Sequential(*layers)
    convert_linears(model, dense_bytes)
    return list(model.children())


def make_kinds(number: int, outputs: int, inputs: int) -> dict[str, Sequence[Layer]]:
    """`number` layers of each kind. All have random weights."""
    weight = (torch.randn(outputs, inputs) * 0.02).bfloat16()
    plain = [nn.Linear(inputs, outputs, bias=False, device="meta") for _ in range(number)]
    for layer in plain:
        layer.weight = nn.Parameter(weight.clone(), requires_grad=False)
    gptq, nf4 = gptq_layers(number, outputs, inputs), bitsandbytes_layers(number, weight)
    return {
        "torch bf16": plain,
        "ours bf16": converted(plain, 0),
        "gptqmodel": gptq,
        "ours int4": converted(gptq, 0),
        "ours int4 kept": converted(gptq, _PLENTY),
        "bitsandbytes": bitsandbytes_layers(number, weight),
        "ours nf4 kept": converted(nf4, _PLENTY),
    }


@torch.inference_mode()
def measure(kinds: Mapping[str, Sequence[Layer]], inputs: int, rounds: int) -> Times:
    """Microseconds of one call, by kind and number of rows."""
    times: Times = {name: {} for name in kinds}
    for rows in ROWS:
        x = torch.randn(rows, inputs).bfloat16()
        found: dict[str, list[float]] = {name: [] for name in kinds}
        # The first round warms up: kernels arrange their weights when they are first called.
        for number in range(-1, rounds if rows < 64 else max(1, rounds // 4)):
            for name, layers in kinds.items():
                for layer in layers:
                    begun = time.perf_counter()
                    layer(x)
                    if number >= 0:
                        found[name].append(time.perf_counter() - begun)
        for name, seconds in found.items():
            times[name][rows] = 1e6 * min(seconds)
    return times


def ratios(times: Times) -> dict[str, dict[str, float | bool]]:
    """Each claim's value, its target, and whether it holds."""
    int4, nf4 = times["ours int4 kept"], times["ours nf4 kept"]
    bf16, gptqmodel, bitsandbytes = (
        times[name] for name in ("torch bf16", "gptqmodel", "bitsandbytes")
    )
    least = {
        "one_row_bf16_against_torch": (bf16[1] / times["ours bf16"][1], 1.5),
        "one_row_int4_against_torch_bf16": (bf16[1] / int4[1], 3.0),
        "one_row_int4_against_gptqmodel": (gptqmodel[1] / int4[1], 1.0),
        "one_row_nf4_against_bitsandbytes": (bitsandbytes[1] / nf4[1], 1.0),
        "512_rows_int4_against_gptqmodel": (gptqmodel[512] / int4[512], 2.0),
        "512_rows_unkept_against_gptqmodel": (gptqmodel[512] / times["ours int4"][512], 1.8),
        "512_rows_nf4_against_bitsandbytes": (bitsandbytes[512] / nf4[512], 1.3),
    }
    most = {
        "rows_3_cost": (int4[3] / int4[1], 1.3),
        "rows_8_cost": (int4[8] / int4[1], 2.4),
    }
    found: dict[str, dict[str, float | bool]] = {}
    for name, (value, target) in least.items():
        found[name] = {"value": round(value, 3), "target": target, "holds": value >= target}
    for name, (value, target) in most.items():
        found[name] = {"value": round(value, 3), "target": target, "holds": value <= target}
    return found


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    print(f"{result['inputs']} to {result['outputs']}, {result['threads']} threads, microseconds\n")
    names = list(result["microseconds"])
    print(f"{'rows':>5}" + "".join(f"{name:>18}" for name in names))
    for rows in ROWS:
        line = "".join(f"{result['microseconds'][name][rows]:>18.0f}" for name in names)
        print(f"{rows:>5}{line}")
    print(f"\n{'ratio':38}{'value':>8}{'target':>9}")
    for name, ratio in result["ratios"].items():
        verdict = "" if ratio["holds"] else "  MISSED"
        print(f"{name:38}{ratio['value']:>8.2f}{ratio['target']:>9.2f}{verdict}")


def main() -> int:
    """Measure and report; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--inputs", type=int, default=2048)
    parser.add_argument("--outputs", type=int, default=5632)
    parser.add_argument("--layers", type=int, default=6, help="of each kind, which take turns")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, help="of PyTorch")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    with redirect_stdout(sys.stderr):  # gptqmodel greets everybody there
        kinds = make_kinds(options.layers, options.outputs, options.inputs)
    times = measure(kinds, options.inputs, options.rounds)
    result = {
        "benchmark": "linear",
        "inputs": options.inputs,
        "outputs": options.outputs,
        "threads": torch.get_num_threads(),
        "microseconds": {
            name: {rows: round(value, 1) for rows, value in row.items()}
            for name, row in times.items()
        },
        "ratios": ratios(times),
    }
    return report(result, show, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
