"""What is known of a model before any of its files is here: the table `models.toml` beside this.

The table is two: `shapes` are the widths that several models share, `models` are the models.
"""

import functools
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from assistant.errors import AssistantError
from assistant.prompts import CHAT_FORMATS, FIM_FORMATS, TEMPLATE, Wording

Kind = Literal["chat", "base", "code", "adapter"]
"""What a model is for. `code` is a base model of code; an `adapter` is a chat model."""
Variant = Literal["full", "gptq"]
NO_FIM = "none"
"""The `fim_format` of a model that is known to have no fill-in-the-middle."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What is known of a model before any of its files is here."""

    name: str
    kind: Kind
    repository: str
    """The model hub's name of the full weights, or of an adapter's own."""
    architecture: str
    """The `model_type` of its config.json."""
    parameters: int
    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    context: int
    """The longest text, in tokens, that it was made for."""
    licence: str
    """An SPDX name, the maker's name for terms of their own, or `non-commercial`."""
    chat_format: str | None = None
    """A name in CHAT_FORMATS, `template`, or None for a model that knows no conversation."""
    fim_format: str | None = None
    """A name in FIM_FORMATS, `none`, or None to find out from the vocabulary."""
    wording: str = "full"
    gptq_repository: str | None = None
    """The hub's name of the weights quantized to 4 bits, as a whole model even for an adapter."""
    safetensors: bool = True
    """Whether `repository` holds safetensors. Pickled weights run code when read: never pulled."""
    stored_bytes: int = 2
    """Bytes that `repository` takes for each parameter."""
    base: str | None = None
    """An adapter's base model, by its name in the registry."""
    adapter_parameters: int = 0
    """An adapter's own parameters; the other figures of an adapter are its base's."""
    active_parameters: int | None = None
    """Parameters that one token passes through, where a mixture of experts leaves most out."""
    tied_embeddings: bool = False
    qkv_bias: bool = False

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What can be pulled; the first is the one that a plain `pull` takes."""
        full: tuple[Variant, ...] = ("full",) if self.safetensors else ()
        return (*full, "gptq") if self.gptq_repository else full


@functools.cache
def load_registry() -> Mapping[str, ModelSpec]:
    """Every model that is known by name. Raises AssistantError that lists all that is wrong."""
    return read_registry(Path(__file__).with_name("models.toml").read_text("utf-8"))


def read_registry(text: str) -> Mapping[str, ModelSpec]:
    """The models in a text of the form of `models.toml`."""
    tables = tomllib.loads(text)
    shapes: dict[str, dict[str, Any]] = tables.get("shapes", {})
    problems: list[str] = []
    specs: dict[str, ModelSpec] = {}
    for name, table in tables.get("models", {}).items():
        shape = table.pop("shape", None)
        if shape not in shapes:
            problems.append(f"{name}: there is no shape {shape!r}")
            continue
        values = {"name": name, **shapes[shape], **table}
        wrong = _type_problems(values)
        if not wrong:
            specs[name] = ModelSpec(**values)
        problems += [f"{name}: {problem}" for problem in wrong]
    for spec in specs.values():
        problems += [f"{spec.name}: {problem}" for problem in _meaning_problems(spec, specs)]
    if problems:
        raise AssistantError("the model registry is damaged: " + "; ".join(problems))
    return specs


def download_bytes(spec: ModelSpec, variant: Variant) -> int:
    """About how much a pull of `variant` downloads, reckoned from the model's widths."""
    if spec.kind == "adapter" and variant == "full":
        return spec.adapter_parameters * spec.stored_bytes
    if variant == "full":
        return spec.parameters * spec.stored_bytes
    embeddings = spec.vocab_size * spec.hidden_size * (1 if spec.tied_embeddings else 2)
    # For every 128 weights of 4 bits there are a scale of 16 bits and a zero point of 4.
    quantized = (spec.parameters - embeddings) * (4 + 20 / 128) / 8
    return int(quantized) + 2 * embeddings


def _type_problems(values: Mapping[str, Any]) -> list[str]:
    """What is missing, unknown or of the wrong type among the values of a ModelSpec."""
    hints = get_type_hints(ModelSpec)
    problems = [f"{key} is unknown" for key in values if key not in hints]
    for field in fields(ModelSpec):
        if field.name not in values:
            if field.default is MISSING:
                problems.append(f"{field.name} is missing")
        elif not _fits(value := values[field.name], hints[field.name]):
            problems.append(f"{field.name} cannot be {value!r}")
    return problems


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) in (Union, types.UnionType):
        return any(_fits(value, member) for member in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    return type(value) is hint


def _meaning_problems(spec: ModelSpec, specs: Mapping[str, ModelSpec]) -> list[str]:
    problems = []
    if spec.chat_format not in (None, TEMPLATE, *CHAT_FORMATS):
        problems.append(f"there is no chat format {spec.chat_format}")
    if spec.fim_format not in (None, NO_FIM, *FIM_FORMATS):
        problems.append(f"there is no fill-in-the-middle format {spec.fim_format}")
    if spec.wording not in [wording.value for wording in Wording]:
        problems.append(f"there is no wording {spec.wording}")
    if spec.kind in ("chat", "adapter") and spec.chat_format is None:
        problems.append("a chat model needs a chat_format")
    if not spec.variants:
        problems.append("neither of its variants can be pulled")
    is_adapter = spec.kind == "adapter"
    if (spec.base is not None) != is_adapter or (spec.adapter_parameters > 0) != is_adapter:
        problems.append("base and adapter_parameters are for adapters, and adapters need both")
    if spec.base is not None and spec.base not in specs:
        problems.append(f"its base {spec.base} is not in the registry")
    if spec.heads % max(spec.kv_heads, 1):
        problems.append(f"{spec.heads} heads do not share {spec.kv_heads} key-value heads evenly")
    return problems
