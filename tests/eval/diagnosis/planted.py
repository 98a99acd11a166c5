"""Faults planted into real folders and real harnesses, and folders without any."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from assistant.config import Quantization
from assistant.model_specs import load_registry
from assistant.registry import STARTER, LocalModel, locate
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.claims import Claim, claimed, read_results
from assistant_eval.diagnosis.findings import Cause
from assistant_eval.mmlu.folder import read_folder
from assistant_eval.model import Examined
from tests.engine import tiny
from tests.eval.diagnosis.faulty import Harness
from tests.eval.diagnosis.gptq import FILE, Form, copied, damaged, save_gptq
from tests.eval.diagnosis.schooled import BEGIN, CONTROL, END, save_schooled, write_exam

USER = CONTROL.index("<|user|>")


@dataclass
class Ward:
    """What is planted into: a model, its quantized forms, its exam, and where copies go."""

    folder: Path

    @cached_property
    def exam(self) -> Path:
        return write_exam(self.folder / "exam")

    @cached_property
    def model(self) -> Path:
        return save_schooled(self.folder / "schooled", self.exam)

    @cached_property
    def harness(self) -> Harness:
        return Harness(self.model, self.exam)

    def gptq(self, **form: bool) -> Path:
        named = "-".join(["gptq", *form])
        folder = self.folder / named
        return folder if folder.is_dir() else save_gptq(self.model, folder, Form(**form))

    def new(self) -> Path:
        """A folder that is not there yet."""
        return self.folder / f"copy-{len(list(self.folder.iterdir()))}"

    @cached_property
    def measured(self) -> Case:
        """The model with a claim; it answers each way of asking once for all claims."""
        return self.case()

    def claims(self, claim: float | Claim) -> Case:
        """Somebody says that this is the model's score."""
        self.measured.claim = claimed(claim) if isinstance(claim, float) else claim
        return self.measured

    def case(
        self,
        folder: Path | None = None,
        *,
        expected: str | None = None,
        claim: float | Claim | None = None,
        quantization: Quantization = "none",
        adapter: Path | None = None,
    ) -> Case:
        folder = folder or self.model
        return Case(
            Examined(LocalModel(folder.name, folder, adapter), quantization, device="cpu"),
            spec=None if expected is None else load_registry()[expected],
            claim=claimed(claim) if isinstance(claim, float) else claim,
            ask=lambda: read_folder(self.exam, 5),
        )


Plant = Callable[[Ward], Case]
Tensors = dict[str, torch.Tensor]


def _each(
    part: str, change: Callable[[torch.Tensor], torch.Tensor]
) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {
        name: change(value.clone()) if name.endswith(part) else value
        for name, value in tensors.items()
    }


def _without(part: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {name: v for name, v in tensors.items() if not name.endswith(part)}


def _nan(tensor: torch.Tensor) -> torch.Tensor:
    tensor.view(-1)[3] = float("nan")
    return tensor


def _infinite(tensor: torch.Tensor) -> torch.Tensor:
    tensor.view(-1)[5] = float("inf")
    return tensor


def _one_more(words: torch.Tensor) -> torch.Tensor:
    """Each of the eight numbers in a word one larger, as the second format has them."""
    shifts = torch.arange(0, 32, 4)
    numbers = (words.long()[..., None] >> shifts) & 15
    return (((numbers + 1) & 15) << shifts).sum(-1).to(torch.int32)


def _shuffled(g_idx: torch.Tensor) -> torch.Tensor:
    return g_idx[torch.randperm(len(g_idx), generator=torch.Generator().manual_seed(1))]


def _seven_billion(ward: Ward) -> Case:
    """What a folder of a 7B holds before its weights arrive."""
    shape = load_registry()["llama-7b"]
    folder = copied(
        ward.model,
        ward.new(),
        num_hidden_layers=shape.layers,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        vocab_size=shape.vocab_size,
    )
    (folder / FILE).unlink()
    return ward.case(folder, expected="wizard-vicuna-13b", claim=35.2)


def _other_bos(ward: Ward) -> Case:
    """The tokenizer puts another token before a text than it says."""
    folder = copied(ward.model, ward.new())
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text())
    content["post_processor"] = json.loads(
        json.dumps(content["post_processor"])
        .replace(CONTROL[BEGIN], CONTROL[USER])
        .replace(f'"ids": [{BEGIN}]', f'"ids": [{USER}]')
    )
    file.write_text(json.dumps(content))
    return ward.case(folder)


def _no_shard(ward: Ward) -> Case:
    """The second of two files did not arrive."""
    folder = copied(ward.model, ward.new())
    tensors = load_file(folder / FILE)
    (folder / FILE).unlink()
    first = [name for name in tensors if ".layers.1." not in name]
    save_file({name: tensors[name] for name in first}, folder / "model-00001-of-00002.safetensors")
    homes = {
        name: f"model-0000{1 if name in first else 2}-of-00002.safetensors" for name in tensors
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": homes}))
    return ward.case(folder)


def _old_results(ward: Ward) -> Case:
    """A results file as lm-evaluation-harness wrote them before June 2023."""
    acc, norm = ward.harness.by_whole_texts(), ward.harness.by_whole_texts(by_length=True)
    names = [f"hendrycksTest-{subject.name}" for subject in read_folder(ward.exam, 0).subjects]
    content = {
        "results": {name: {"acc": acc / 100, "acc_norm": norm / 100} for name in names},
        "versions": dict.fromkeys(names, 0),
        "config": {"model": "gptq", "num_fewshot": 0, "limit": None},
    }
    file = ward.new().with_suffix(".json")
    file.write_text(json.dumps(content))
    return ward.claims(read_results(file, None))


def _delta(ward: Ward) -> Case:
    """What is published where a base model may not be: the difference to it."""

    def less(tensors: Tensors) -> Tensors:
        generator = torch.Generator().manual_seed(2)
        near = {
            name: value + 0.002 * torch.randn(value.shape, generator=generator)
            for name, value in tensors.items()
        }
        return {name: near[name] - value for name, value in tensors.items()}

    return ward.case(damaged(ward.model, ward.new(), less))


def _idle_adapter(ward: Ward) -> Case:
    folder = tiny.save_adapter(ward.model, ward.new())
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file(_each("lora_B.weight", torch.zeros_like)(tensors), file, {"format": "pt"})
    return ward.case(adapter=folder)


def _working_adapter(ward: Ward) -> Case:
    folder = tiny.save_adapter(ward.model, ward.new())
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file(_each("lora_B.weight", lambda t: 0.01 * t)(tensors), file, {"format": "pt"})
    return ward.case(adapter=folder)


def _starter(ward: Ward) -> Case:
    case = ward.case()
    return replace(case, examined=replace(case.examined, local=locate(STARTER)), limit=24)


def _random(ward: Ward) -> Case:
    generator = torch.Generator().manual_seed(4)

    def anew(tensor: torch.Tensor) -> torch.Tensor:
        spread = float(tensor.std()) if tensor.ndim > 1 else 0.0
        return tensor if not spread else spread * torch.randn(tensor.shape, generator=generator)

    return ward.case(damaged(ward.model, ward.new(), _each("weight", anew)))


PLANTS: dict[str, tuple[Cause | None, Plant]] = {
    "a 7B where a 13B should be": (Cause.WRONG_SIZE, _seven_billion),
    "a small model called vicuna-13b": (
        Cause.WRONG_SIZE,
        lambda ward: ward.case(expected="vicuna-13b"),
    ),
    "config.json with one layer of two": (
        Cause.WRONG_SIZE,
        lambda ward: ward.case(copied(ward.model, ward.new(), num_hidden_layers=1)),
    ),
    "a NaN in one matrix": (
        Cause.NON_FINITE,
        lambda ward: ward.case(
            damaged(ward.model, ward.new(), _each("1.mlp.up_proj.weight", _nan))
        ),
    ),
    "an infinity in the head": (
        Cause.NON_FINITE,
        lambda ward: ward.case(damaged(ward.model, ward.new(), _each("lm_head.weight", _infinite))),
    ),
    "a NaN among GPTQ's scales": (
        Cause.NON_FINITE,
        lambda ward: ward.case(damaged(ward.gptq(), ward.new(), _each("k_proj.scales", _nan))),
    ),
    "bos_token_id of another tokenizer": (
        Cause.WRONG_BOS,
        lambda ward: ward.case(copied(ward.model, ward.new(), bos_token_id=END)),
    ),
    "a tokenizer that begins texts otherwise": (Cause.WRONG_BOS, _other_bos),
    "g_idx all zeros": (
        Cause.DAMAGED_G_IDX,
        lambda ward: ward.case(damaged(ward.gptq(), ward.new(), _each("g_idx", torch.zeros_like))),
    ),
    "act-order's g_idx lost": (
        Cause.DAMAGED_G_IDX,
        lambda ward: ward.case(
            damaged(
                ward.gptq(act_order=True), ward.new(), _each("g_idx", lambda t: t.sort().values)
            )
        ),
    ),
    "act-order's g_idx shuffled": (
        Cause.DAMAGED_G_IDX,
        lambda ward: ward.case(
            damaged(ward.gptq(act_order=True), ward.new(), _each("g_idx", _shuffled))
        ),
    ),
    "g_idx shuffled, symmetric": (
        Cause.DAMAGED_G_IDX,
        lambda ward: ward.case(
            damaged(
                ward.gptq(symmetric=True, act_order=True), ward.new(), _each("g_idx", _shuffled)
            )
        ),
    ),
    "zeros one too large": (
        Cause.SHIFTED_ZEROS,
        lambda ward: ward.case(damaged(ward.gptq(), ward.new(), _each("qzeros", _one_more))),
    ),
    "the second format's zeros called the first's": (
        Cause.SHIFTED_ZEROS,
        lambda ward: ward.case(
            damaged(ward.gptq(symmetric=True), ward.new(), _each("qzeros", _one_more))
        ),
    ),
    "a tensor that is not there": (
        Cause.MISSING_TENSORS,
        lambda ward: ward.case(damaged(ward.model, ward.new(), _without("1.mlp.up_proj.weight"))),
    ),
    "GPTQ without the scales of a layer": (
        Cause.MISSING_TENSORS,
        lambda ward: ward.case(damaged(ward.gptq(), ward.new(), _without("0.mlp.up_proj.scales"))),
    ),
    "GPTQ without quantize_config.json": (
        Cause.UNLABELLED,
        lambda ward: ward.case(copied(ward.gptq(), ward.new(), quantization_config=None)),
    ),
    "a file of two that did not arrive": (Cause.MISSING_TENSORS, _no_shard),
    "bare letters compared": (
        Cause.WRONG_LETTER_TOKEN,
        lambda ward: ward.claims(ward.harness.by_bare_letters()),
    ),
    "prompts cut at the right": (
        Cause.RIGHT_CUT,
        lambda ward: ward.claims(ward.harness.cut_at_the_right(256)),
    ),
    "8 questions padded at the left": (
        Cause.LEFT_PADDING,
        lambda ward: ward.claims(ward.harness.padded_at_the_left(8)),
    ),
    "32 questions padded at the left": (
        Cause.LEFT_PADDING,
        lambda ward: ward.claims(ward.harness.padded_at_the_left(32)),
    ),
    "whole texts, zero-shot": (
        Cause.WRONG_PROTOCOL,
        lambda ward: ward.claims(ward.harness.by_whole_texts()),
    ),
    "whole texts by their length": (
        Cause.WRONG_PROTOCOL,
        lambda ward: ward.claims(ward.harness.by_whole_texts(by_length=True)),
    ),
    "results of hendrycksTest version 0": (Cause.WRONG_PROTOCOL, _old_results),
    "a difference of two models": (Cause.UNMERGED_DELTA, _delta),
    "an adapter before training": (Cause.IDLE_ADAPTER, _idle_adapter),
    "random weights": (Cause.USELESS_WEIGHTS, _random),
    "healthy: as trained": (None, lambda ward: ward.case()),
    "healthy: with its faithful score": (
        None,
        lambda ward: ward.claims(ward.harness.faithful()),
    ),
    "healthy: GPTQ": (None, lambda ward: ward.case(ward.gptq())),
    "healthy: GPTQ, symmetric": (None, lambda ward: ward.case(ward.gptq(symmetric=True))),
    "healthy: GPTQ with act-order": (None, lambda ward: ward.case(ward.gptq(act_order=True))),
    "healthy: GPTQ of the second format": (
        None,
        lambda ward: ward.case(ward.gptq(second_format=True)),
    ),
    "healthy: NF4": (None, lambda ward: ward.case(quantization="nf4")),
    "healthy: int4": (None, lambda ward: ward.case(quantization="int4")),
    "healthy: with an adapter": (None, _working_adapter),
    "healthy: the starter": (None, _starter),
}
"""What is planted, and the cause that the verdict must name; None where it must name nothing."""

MEASURED = (
    "bare letters compared",
    "prompts cut at the right",
    "8 questions padded at the left",
    "32 questions padded at the left",
    "whole texts, zero-shot",
    "whole texts by their length",
    "results of hendrycksTest version 0",
)
"""Those whose fault is in a harness, of which nothing is told but a number."""
