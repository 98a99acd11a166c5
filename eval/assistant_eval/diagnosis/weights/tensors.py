"""Whether a folder holds every tensor that its config.json asks for, and in the right shape."""

from collections.abc import Iterable
from typing import Any

import torch

from assistant.engine.folder import reason
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.diagnosis.weights.layers import PARTS, Layout

_TOLD = 3
"""Names that are told; of more, how many."""
Shapes = dict[str, tuple[int, ...] | None]
"""What is asked for; None where only the name is known."""


class Tensors(Check):
    """A strict audit of names and shapes, which reads no values."""

    name = "tensors and shapes"
    doing = "comparing the tensors with config.json"

    def look(self, case: Case) -> Look:
        """See Check."""
        held = {name: header.shape for name, header in case.stored.headers.items()}
        if not held:
            raise CannotRun("; ".join(case.stored.problems) or "the folder holds no safetensors")
        packed = next((name for name in held if name.endswith(".qweight")), None)
        if packed is not None and case.quantization is None:
            return _unlabelled(case, packed.removesuffix(".qweight"))
        asked = self._asked(case)
        missing = [name for name in asked if name not in held]
        wrong = [
            f"{name} is {list(held[name])} and not {list(shape)}"
            for name, shape in asked.items()
            if shape is not None and name in held and held[name] != shape
        ]
        extra = [name for name in held if _unasked(name, asked)]
        findings = [_missing(missing, len(asked), case.stored.problems)] if missing else []
        if wrong:
            findings.append(
                Finding(
                    Cause.WRONG_SHAPES, Weight.CERTAIN, "the shapes of config.json", _several(wrong)
                )
            )
        findings += _extra(extra)
        return Look(f"{len(held):,} tensors, {len(asked):,} asked for", tuple(findings))

    def _asked(self, case: Case) -> Shapes:
        """The names and shapes that a model of this config.json has."""
        model = _empty_model(case)
        tied = getattr(model.config, "tie_word_embeddings", False)
        shapes: Shapes = {
            name: tuple(parameter.shape)
            for name, parameter in model.named_parameters()
            if not (tied and name == "lm_head.weight")
        }
        method = (case.quantization or {}).get("quant_method")
        if method == "gptq":
            return self._quantized(case, model, shapes)
        if method is not None:
            # Others' layers are bytes in shapes of their own.
            return {name: None for name in shapes}
        return shapes

    def _quantized(self, case: Case, model: Any, shapes: Shapes) -> Shapes:
        """With the four tensors of each layer that is quantized in this folder."""
        layout = Layout.of(case.gptq)
        kinds = {
            name.removesuffix(f".{part}").rpartition(".")[2]
            for name in case.stored.headers
            for part in PARTS
            if name.endswith(f".{part}")
        }
        for name, module in model.named_modules():
            if not isinstance(module, torch.nn.Linear) or name.rpartition(".")[2] not in kinds:
                continue
            shapes.pop(f"{name}.weight", None)
            inputs, outputs = module.in_features, module.out_features
            groups = layout.groups(inputs)
            shapes |= {
                f"{name}.qweight": (inputs // layout.per_word, outputs),
                f"{name}.qzeros": (groups, -(-outputs // layout.per_word)),
                f"{name}.scales": (groups, outputs),
                f"{name}.g_idx": (inputs,),
            }
            if f"{name}.bias" in case.stored.headers:
                shapes[f"{name}.bias"] = (outputs,)
        return shapes


def _unlabelled(case: Case, name: str) -> Look:
    """Weights in GPTQ's packing that nothing says how to unpack; their shapes say some of it."""
    headers = case.stored.headers
    words, groups, inputs = (
        headers[f"{name}.{part}"].shape[0] if f"{name}.{part}" in headers else 0
        for part in ("qweight", "scales", "g_idx")
    )
    guess = ""
    if inputs and groups:
        guess = f"; by its shapes {name} has {32 * words // inputs} bits in groups of"
        guess += f" {inputs // groups}"
    wanted = "a quantization_config in config.json, or quantize_config.json"
    finding = Finding(Cause.UNLABELLED, Weight.CERTAIN, wanted, f"neither{guess}")
    return Look("quantized weights", (finding,))


def _empty_model(case: Case) -> Any:
    """The model of config.json without any weights."""
    # Imported where it is needed, in silence: it looks at all that is installed, and tells.
    from transformers import AutoConfig, AutoModelForCausalLM

    models: Any = AutoModelForCausalLM
    try:
        config = AutoConfig.from_pretrained(
            case.folder, local_files_only=True, trust_remote_code=False
        )
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        with torch.device("meta"):
            return models.from_config(config, trust_remote_code=False)
    except Exception as error:  # a configuration checks itself in many ways
        raise CannotRun(f"no model can be made of config.json: {reason(error)}") from error


def _missing(names: list[str], asked: int, problems: Iterable[str]) -> Finding:
    seen = f"{len(names)} missing: {_several(names)}"
    return Finding(
        Cause.MISSING_TENSORS,
        Weight.CERTAIN,
        f"{asked:,} tensors",
        "; ".join([seen, *problems]),
    )


def _extra(names: list[str]) -> list[Finding]:
    """Tensors that nobody asks for; whole layers of them are a model cut short."""
    if not names:
        return []
    layers = {name.split(".layers.")[1].split(".")[0] for name in names if ".layers." in name}
    whole = any(f".layers.{number}.input_layernorm.weight" in n for number in layers for n in names)
    return [
        Finding(
            Cause.WRONG_SIZE if whole else Cause.WRONG_SHAPES,
            Weight.CERTAIN if whole else Weight.NOTE,
            "no tensor but those that config.json asks for",
            f"{len(names)} that it does not: {_several(names)}",
        )
    ]


def _unasked(name: str, asked: Shapes) -> bool:
    # bitsandbytes keeps what belongs to a weight beside it; older versions of transformers saved
    # frequencies that every version makes anew.
    beside = name.split(".weight.")[0] + ".weight"
    return name not in asked and beside not in asked and not name.endswith("inv_freq")


def _several(names: list[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more
