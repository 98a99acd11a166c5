"""Adapters compute what PEFT computes, whatever their configuration, and come and go."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel, LoadOptions, load_model
from assistant.engine.parts import Part
from assistant.engine.requests import Job
from assistant.engine.runner import Runner, TransformersRunner, make_runner
from assistant.errors import ModelFolderError, ModelNotFoundError
from assistant.messages import SamplingParams
from assistant.prompts import Prompt
from tests.engine import tiny

IDS = tuple(range(8, 60))
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
CONFIGS: dict[str, dict[str, Any]] = {
    "all layers": {"target_modules": ALL},
    "rank-stabilized": {"target_modules": ["k_proj"], "use_rslora": True},
    "patterns": {
        "target_modules": ["q_proj", "gate_proj"],
        "rank_pattern": {"gate_proj": 2},
        "alpha_pattern": {"layers.1.self_attn.q_proj": 32},
    },
    "one layer": {"target_modules": ["o_proj"], "layers_to_transform": [1]},
}
SPECIAL: dict[str, dict[str, Any]] = {
    "dora": {"target_modules": ["q_proj"], "use_dora": True},
    # PEFT saves a copy of the head along with such an adapter.
    "of the head": {"target_modules": ["lm_head", "up_proj"]},
    "saved along": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
}
_Auto: Any = AutoModelForCausalLM


def save(base: Path, folder: Path, config: dict[str, Any]) -> Path:
    model: Any = _Auto.from_pretrained(base)
    torch.manual_seed(7)
    lora = LoraConfig(r=4, lora_alpha=8, init_lora_weights=False, task_type="CAUSAL_LM", **config)
    adapted: Any = get_peft_model(model, lora)
    adapted.save_pretrained(str(folder))
    return folder


def by_peft(base: Path, folder: Path) -> torch.Tensor:
    model: Any = PeftModel.from_pretrained(_Auto.from_pretrained(base), str(folder))
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.tensor([IDS])).logits[0]
    return logits


def by_engine(runner: Runner, loaded: LoadedModel) -> torch.Tensor:
    part = Part(IDS, runner.new_cache(), len(IDS), loaded.adapter)
    return runner.forward([part])[0]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("kind", ["decoder", "transformers"])
def test_the_logits_are_those_of_peft(kind: str, name: str, llama: Path, tmp_path: Path) -> None:
    folder = save(llama, tmp_path / "adapter", CONFIGS[name])
    loaded = load_model(tiny.local_model(llama, adapter=folder), LoadOptions("cpu"))
    runner = make_runner(loaded.model) if kind == "decoder" else TransformersRunner(loaded.model)
    base = runner.forward([Part(IDS, runner.new_cache(), len(IDS))])[0]
    expected = by_peft(llama, folder)
    assert float((base - expected).abs().max()) > 0.02
    torch.testing.assert_close(by_engine(runner, loaded), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", SPECIAL)
def test_special_kinds_work_as_the_settings_adapter_alone(
    name: str, llama: Path, loaded: LoadedModel, tmp_path: Path
) -> None:
    folder = save(llama, tmp_path / "adapter", SPECIAL[name])
    special = load_model(tiny.local_model(llama, adapter=folder), LoadOptions("cpu"))
    found = by_engine(make_runner(special.model), special)
    torch.testing.assert_close(found, by_peft(llama, folder), atol=1e-3, rtol=1e-3)
    with pytest.raises(ModelFolderError, match="`adapter` in the settings"):
        Engine(loaded).add_adapter("special", folder)


def test_texts_with_different_adapters_share_a_pass(loaded: LoadedModel, llama: Path) -> None:
    runner = make_runner(loaded.model)
    folder = llama.parent / "shares"
    adapters = []
    for seed in (5, 6):
        path = tiny.save_adapter(llama, folder / str(seed), seed=seed)
        adapted = load_model(tiny.local_model(llama, adapter=path), LoadOptions("cpu"))
        adapters.append(adapted.adapter)
    kinds = [adapters[0], None, adapters[1], adapters[1], adapters[0]]
    texts = [IDS[start : start + 20 + start] for start in range(len(kinds))]

    def parts() -> list[Part]:
        return [
            Part(ids, runner.new_cache(), 2, adapter)
            for ids, adapter in zip(texts, kinds, strict=True)
        ]

    together = runner.forward(parts())
    apart = [runner.forward([part])[0] for part in parts()]
    for one, other in zip(together, apart, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_adapters_come_and_go_while_the_engine_runs(
    loaded: LoadedModel, llama: Path, tmp_path: Path
) -> None:
    engine = Engine(loaded)
    prompt, params = Prompt(IDS, frozenset()), SamplingParams(max_tokens=8)

    def text(adapter: str | None) -> str:
        job = Job(adapter=adapter)
        return "".join(chunk.text for chunk in engine.generate(prompt, params, job))

    plain = text(None)
    with pytest.raises(ModelNotFoundError, match="has no adapter mine"):
        text("mine")
    engine.add_adapter("mine", tiny.save_adapter(llama, tmp_path / "first", seed=5))
    first = text("mine")
    engine.add_adapter("mine", tiny.save_adapter(llama, tmp_path / "second", seed=6))
    assert len({plain, first, text("mine")}) == 3
    assert text(None) == plain
    engine.remove_adapter("mine")
    assert engine.adapter_names == ()
    with pytest.raises(ModelNotFoundError):
        text("mine")


def test_an_adapter_of_another_model_is_refused_and_nothing_changes(
    loaded: LoadedModel, tmp_path: Path
) -> None:
    wide = tiny.save_llama(tmp_path / "wide", hidden=128)
    engine = Engine(loaded)
    with pytest.raises(ModelFolderError, match="another base model"):
        engine.add_adapter("wide", tiny.save_adapter(wide, tmp_path / "adapter"))
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["r"] == 4 and engine.adapter_names == ()
