"""What a plan says: laws that hold for every model and machine, and figures that can be checked."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ModelFolderError, UsageError
from assistant.model_specs import ModelSpec, download_bytes
from assistant.plan import (
    Device,
    Fit,
    Line,
    Machine,
    Plan,
    Rates,
    Storage,
    Timing,
    best_first,
    detect_machine,
    memory_of,
    plan_for,
    plans_for,
    recommended,
    storages_of,
    weights_of,
)
from assistant.plan.folders import spec_of
from assistant.plan.machine import read_gpus
from assistant.registry import STARTER, load_registry, locate

REGISTRY = load_registry()
GB = 10**9
RATES = Rates(
    token=Line(1e-4, 1e-10),
    cache_byte=2e-10,
    own_cache_byte=3e-10,
    head_byte=5e-11,
    prompt=Line(1e-3, 3e-12),
    copied_prompt=Line(1e-3, 1e-12),
    attention_operation=5e-12,
)
specs = st.sampled_from(list(REGISTRY.values()))
sizes = st.integers(0, 200 * GB)
ORDER = [Fit.TOO_LARGE, Fit.TIGHT, Fit.FITS]


def cpu(total: int, free: int | None = None) -> Device:
    return Device("cpu", "2 cores", total, total if free is None else free)


def fit_of(spec: ModelSpec, storage: Storage, *devices: Device, context: int | None = None) -> int:
    return ORDER.index(plan_for(spec, storage, Machine(devices), context).fit)


def forms(spec: ModelSpec) -> st.SearchStrategy[Storage]:
    return st.sampled_from(storages_of(spec, "cpu"))


@given(data=st.data(), spec=specs, less=st.integers(1, 300_000), more=st.integers(0, 300_000))
def test_more_context_never_needs_less_memory(
    data: st.DataObject, spec: ModelSpec, less: int, more: int
) -> None:
    storage = data.draw(forms(spec))
    machine = Machine((cpu(64 * GB),))
    short, long = (plan_for(spec, storage, machine, size) for size in (less, less + more))
    assert short.context <= long.context <= spec.context
    assert short.memory.needed <= long.memory.needed
    assert short.memory.total <= long.memory.total
    assert ORDER.index(short.fit) >= ORDER.index(long.fit)


@given(data=st.data(), spec=specs, total=sizes, free=sizes, more=sizes, more_free=sizes)
def test_more_memory_never_makes_a_model_fit_less(
    data: st.DataObject, spec: ModelSpec, total: int, free: int, more: int, more_free: int
) -> None:
    storage = data.draw(forms(spec))
    small, large = cpu(total, free), cpu(total + more, free + more_free)
    assert fit_of(spec, storage, small) <= fit_of(spec, storage, large)


@given(data=st.data(), spec=specs, gpu=sizes, total=sizes)
def test_another_device_never_makes_a_model_fit_less(
    data: st.DataObject, spec: ModelSpec, gpu: int, total: int
) -> None:
    storage = data.draw(forms(spec))
    card = Device("cuda:0", "a card", gpu, gpu)
    assert fit_of(spec, storage, cpu(total)) <= fit_of(spec, storage, card, cpu(total))


@given(spec=specs)
def test_fewer_bits_need_less_memory_and_are_never_slower(spec: ModelSpec) -> None:
    if not {"bf16", "int4"} <= set(storages_of(spec, "cpu")):
        return
    wide, narrow = weights_of(spec, "bf16", "cpu"), weights_of(spec, "int4", "cpu")
    assert narrow.total < wide.total
    slow, quick = RATES.timing(spec, wide), RATES.timing(spec, narrow)
    assert quick.tokens_per_second(spec.layers) > slow.tokens_per_second(spec.layers)


@given(spec=specs)
def test_weights_agree_with_what_is_downloaded(spec: ModelSpec) -> None:
    for variant in spec.variants:
        if spec.kind != "adapter":
            found = weights_of(spec, "gptq" if variant == "gptq" else "bf16", "cuda").total
            assert found == pytest.approx(download_bytes(spec, variant), rel=0.001)


@given(sizes=st.lists(st.tuples(sizes, st.booleans()), min_size=1, max_size=2))
def test_the_best_stands_first(sizes: list[tuple[int, bool]]) -> None:
    devices = tuple(
        replace(cpu(size), rates={"int4": RATES, "gptq": RATES} if quick else {})
        for size, quick in sizes
    )
    plans = plans_for(REGISTRY.values(), Machine(devices))
    ranks = [ORDER.index(plan.fit) for plan in plans]
    assert ranks == sorted(ranks, reverse=True)
    assert {(plan.spec.name, plan.storage) for plan in plans} == {
        (spec.name, storage) for spec in REGISTRY.values() for storage in storages_of(spec, "cpu")
    }
    best = recommended(plans)
    assert (best is None) == (Fit.FITS not in [plan.fit for plan in plans])
    assert best is None or best.fit is Fit.FITS


def test_the_parts_of_a_known_model() -> None:
    memory = memory_of(REGISTRY["vicuna-13b"], "gptq", 2048, cpu(16 * GB))
    assert memory.cache == 2 * 40 * 40 * 128 * 2 * 2048
    assert memory.weights == pytest.approx(7.4 * GB, rel=0.01)
    assert memory.needed == memory.weights + memory.cache + memory.working + memory.runtime
    assert memory.copies == pytest.approx((16 * GB - memory.weights - memory.runtime) / 3, rel=0.01)
    assert memory.total == memory.needed + memory.copies


def test_where_a_model_goes() -> None:
    card, spec = Device("cuda:0", "a card", 12 * GB, 12 * GB), REGISTRY["llama-13b"]
    both = Machine((card, cpu(64 * GB)))
    assert plan_for(spec, "gptq", both).device == "cuda:0"
    assert plan_for(spec, "bf16", both).device == "cpu"  # 26 GB are too many for the card
    assert plan_for(spec, "bf16", Machine((card, cpu(16 * GB)))).fit is Fit.TOO_LARGE
    with pytest.raises(UsageError, match="cannot be held as int4"):
        plan_for(spec, "int4", Machine((card,)))


def test_memory_that_others_hold_makes_it_tight() -> None:
    spec = REGISTRY["vicuna-7b"]
    assert plan_for(spec, "gptq", Machine((cpu(16 * GB, 2 * GB),))).fit is Fit.TIGHT


def test_what_was_measured_with_a_models_own_widths_comes_first() -> None:
    spec = REGISTRY["vicuna-7b"]
    timing = Timing(layer_token=0.01, layer_prompt=0.1, copied_layer_prompt=0.02, head=0.08)
    measured = replace(cpu(32 * GB), rates={"gptq": RATES}, timings={(spec.name, "gptq"): timing})
    plan = plan_for(spec, "gptq", Machine((measured,)))
    assert plan.tokens_per_second == pytest.approx(1 / (32 * 0.01 + 0.08))
    by_rates = plan_for(spec, "gptq", Machine((replace(measured, timings={}),)))
    assert by_rates.tokens_per_second != plan.tokens_per_second


def test_memory_to_spare_makes_prompts_faster_and_is_never_more_than_is_free() -> None:
    spec, first = REGISTRY["vicuna-7b"], []
    for size in (8, 12, 24, 64):
        device = replace(cpu(size * GB), rates={"gptq": RATES})
        plan = plan_for(spec, "gptq", Machine((device,)))
        assert plan.memory.total < size * GB
        assert plan.first_token_seconds is not None
        first.append(plan.first_token_seconds)
    assert first == sorted(first, reverse=True)
    assert first[0] > 2 * first[-1]


def test_a_mixture_of_experts_reads_only_what_a_token_needs() -> None:
    mixture, dense = REGISTRY["qwen3-30b-a3b-instruct"], REGISTRY["qwen3-32b"]
    weights = weights_of(mixture, "bf16", "cpu")
    assert weights.total == pytest.approx(61 * GB, rel=0.02)
    quick = RATES.timing(mixture, weights).tokens_per_second(mixture.layers)
    slow = RATES.timing(dense, weights_of(dense, "bf16", "cpu")).tokens_per_second(dense.layers)
    assert quick > 5 * slow


def test_the_recommendation_is_the_largest_that_is_quick_enough() -> None:
    machine = Machine((replace(cpu(64 * GB), rates={"gptq": RATES}),))
    chosen = [plan_for(REGISTRY[f"vicuna-{size}"], "gptq", machine) for size in ("7b", "13b")]
    assert recommended(chosen) == chosen[0]  # 13B makes less than three tokens a second here
    assert recommended([replace(plan, tokens_per_second=9.0) for plan in chosen]) == replace(
        chosen[1], tokens_per_second=9.0
    )
    slow = [replace(plan, tokens_per_second=plan.spec.parameters / 1e12) for plan in chosen]
    assert recommended(slow) == slow[1]
    assert recommended([]) is None
    base = plan_for(REGISTRY["llama-13b"], "gptq", machine)
    assert recommended([replace(base, tokens_per_second=9.0), chosen[0]]) == chosen[0]


def test_nobody_is_recommended_a_model_that_does_not_fit() -> None:
    plans = plans_for([REGISTRY["vicuna-33b"]], Machine((cpu(8 * GB),)))
    assert [plan.fit for plan in plans] == [Fit.TOO_LARGE]
    assert recommended(plans) is None
    assert plans[0].tokens_per_second is None


def test_a_folder_is_planned_like_a_known_model(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    known = REGISTRY["llama3.1-8b-instruct"]
    config = {
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 8192,
        "dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config))
    spec = spec_of(locate(str(folder)))
    assert spec.parameters == known.parameters
    machine = cpu(24 * GB)
    assert memory_of(spec, "int4", 4096, machine) == memory_of(known, "int4", 4096, machine)
    assert storages_of(spec, "cpu") == storages_of(known, "cpu")
    config["quantization_config"] = {"quant_method": "gptq"}
    (folder / "config.json").write_text(json.dumps(config))
    assert storages_of(spec_of(locate(str(folder))), "cpu") == ("gptq",)
    del config["hidden_size"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match="does not tell the widths"):
        spec_of(locate(str(folder)))


def test_the_starter_can_be_planned() -> None:
    spec = spec_of(locate(STARTER))
    weights = sum(file.stat().st_size for file in locate(STARTER).folder.glob("*.safetensors"))
    assert weights_of(spec, "bf16", "cpu").total == pytest.approx(weights, rel=0.05)


def test_what_the_drivers_tool_says() -> None:
    text = "0, NVIDIA GeForce RTX 4090, 24564, 23010\n1, Broken, [N/A], [N/A]\n\n"
    (card,) = read_gpus(text)
    assert (card.name, card.kind, card.title) == ("cuda:0", "cuda", "NVIDIA GeForce RTX 4090")
    assert (card.total_bytes, card.free_bytes) == (24564 << 20, 23010 << 20)


def test_this_machine() -> None:
    machine = detect_machine()
    last = machine.devices[-1]
    assert last.kind == "cpu"
    assert 0 < last.free_bytes <= last.total_bytes


def test_plans_are_sorted_the_same_from_any_order() -> None:
    plans: list[Plan] = plans_for(REGISTRY.values(), Machine((cpu(24 * GB),)))
    assert best_first(reversed(plans)) == plans
