"""From a folder of weights to a model that computes."""

import importlib.util
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

import psutil
import torch
import transformers
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForCausalLM

from assistant.config import Activations, Quantization
from assistant.engine.description import ModelDescription, describe
from assistant.engine.folder import (
    ModelFolder,
    check_adapter_folder,
    check_model_folder,
    reason,
)
from assistant.engine.linear.convert import convert_linears, quantize_linears
from assistant.engine.linear.gptq import has_second_format, mark_second_format
from assistant.engine.linear.layout import find_layout
from assistant.engine.lora import LoraAdapter, is_plain, load_adapter
from assistant.engine.memory import let_go_of_files
from assistant.engine.renderers import load_renderer
from assistant.engine.shapes import keep_few_shapes
from assistant.engine.trained_for import check_note
from assistant.errors import AssistantError, ModelFolderError, UsageError
from assistant.prompts import Renderer
from assistant.registry import LocalModel

_DEFAULT_CONTEXT = 2048
GPTQ_TRAINING_BACKEND = "gptq_torch"
"""Of the kernels that gptqmodel has, the one whose gradients are right."""
# Parts of transformers that have no type annotations, or wrong ones.
_Models: Any = AutoModelForCausalLM
_BitsAndBytes: Any = transformers.BitsAndBytesConfig
_Gptq: Any = transformers.GPTQConfig
_logging: Any = transformers.utils.logging
_HEADER_DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to load a model."""

    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for the best one there is."""
    quantization: Quantization = "none"
    """How to load weights that are not quantized already."""
    for_inference: bool = True
    """Whether layers may become faster ones that have no gradient; False for training."""
    activations: Activations = "int8"
    """What inputs of 4-bit layers are rounded to on a CPU."""
    dense_bytes: int | None = None
    """Memory on a CPU for keeping 4-bit weights in bfloat16, too; None: a third of what is free."""
    dtype: torch.dtype | None = None
    """What weights that are not quantized are held as, and computed with; None: as stored."""
    kernel_rows: int | None = None
    """Rows that 4-bit kernels get on a CPU, more go through bfloat16; None: measured."""


@dataclass
class LoadedModel:
    """A model that is ready to compute, and how to talk to it."""

    model: Any
    """The transformers model in evaluation mode."""
    renderer: Renderer
    description: ModelDescription
    name: str
    context: int
    """Tokens that prompt and answer may have together."""
    wording: str
    adapter: LoraAdapter | None = None
    """The adapter of the settings, beside the model. Of a special kind, it is inside it."""


def load_model(local: LocalModel, options: LoadOptions | None = None) -> LoadedModel:
    """Check the folder of a model, and of its adapter, and load them.

    Raises ModelFolderError when a folder is damaged or of a kind that is not supported, UsageError
    when the device is not there, and AssistantError when memory or an installed package is missing.
    """
    keep_few_shapes()
    options = options or LoadOptions()
    folder = check_model_folder(local.folder)
    adapter = check_adapter_folder(local.adapter) if local.adapter else None
    device = pick_device(options.device)
    if folder.quantization is None and options.quantization == "int4":
        _check_int4(device, options)
    with _quiet(), _out_of_memory(local.name, device):
        config = _load_config(folder)
        renderer = load_renderer(local)
        model = _load_weights(folder, config, device, options)
        if local.adapter is not None:
            check_note(local.adapter, model, renderer)
        plain = adapter is None or local.adapter is None or is_plain(local.adapter, adapter)
        if local.adapter is not None and adapter is not None and not plain:
            # Imported where it is needed: peft brings half of PyTorch's compilers along, which
            # takes longer than all the rest of loading a small model.
            from assistant.engine.adapters import attach_adapter

            model = attach_adapter(model, local.adapter, adapter)
        if device.type == "cpu" and options.for_inference:
            # With PEFT's layers in place, which know only the layers that they wrap by class.
            _convert(model, folder, options)
        lora = None
        if local.adapter is not None and adapter is not None and plain:
            lora = load_adapter(local.adapter.name, local.adapter, adapter, model)
    model.eval()
    return LoadedModel(
        model=model,
        renderer=renderer,
        description=describe(
            local.name,
            model,
            quantization=_quantization_name(folder, options),
            adapter=local.adapter.name if local.adapter else None,
            adapter_bytes=lora.nbytes if lora else 0,
        ),
        name=local.name,
        context=local.context or _context_of(config),
        wording=local.wording,
        adapter=lora,
    )


def context_of(local: LocalModel) -> int:
    """The tokens that a model's prompt and answer may have together, without loading it.

    Raises ModelFolderError when the folder is damaged or of a kind that is not supported.
    """
    return local.context or _context_of(_load_config(check_model_folder(local.folder)))


def pick_device(wanted: str) -> torch.device:
    """The device by name, or the best one for `auto`. Raises UsageError when it is not there."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"there is no device {wanted!r} here: use `auto` or `cpu`") from error
    return device


def _convert(model: Any, folder: ModelFolder, options: LoadOptions) -> None:
    """Give a model on the CPU the layers that are fastest there."""
    if folder.quantization is None and options.quantization == "int4":
        quantize_linears(model)
        for name, parameter in model.named_parameters():
            if parameter.is_floating_point() and ".lora_" not in name:
                parameter.data = parameter.data.to(torch.bfloat16)
    budget = options.dense_bytes
    if budget is None:
        budget = psutil.virtual_memory().available // 3
    convert_linears(model, budget, kernel_rows=options.kernel_rows, activations=options.activations)
    let_go_of_files(model)


def _load_config(folder: ModelFolder) -> Any:
    kind, file = folder.config["model_type"], folder.path / "config.json"
    if kind not in CONFIG_MAPPING:
        raise ModelFolderError(
            f"{file} is of the model_type {kind!r}, which transformers {transformers.__version__}"
            " does not know: choose another model or update transformers"
        )
    try:
        config = AutoConfig.from_pretrained(
            folder.path, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # a configuration checks itself in many ways
        raise ModelFolderError(
            f"{file} is not valid: {reason(error)}: download it again"
        ) from error
    if folder.weights_file not in ("model.safetensors", "model.safetensors.index.json"):
        config.transformers_weights = folder.weights_file
    if folder.quantization is not None:
        # From a file of its own in folders of before transformers knew of GPTQ.
        config.quantization_config = dict(folder.quantization)
    return config


def _load_weights(
    folder: ModelFolder, config: Any, device: torch.device, options: LoadOptions
) -> Any:
    quantization = _quantization_config(folder, options)
    arguments: dict[str, Any] = (
        {} if quantization is None else {"quantization_config": quantization}
    )
    try:
        model, report = _Models.from_pretrained(
            folder.path,
            config=config,
            dtype=_dtype(folder, config, device, options),
            device_map={"": device},
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **arguments,
        )
    except (torch.OutOfMemoryError, MemoryError, AssistantError):
        raise
    except Exception as error:  # whatever transformers and the quantizers make of odd folders
        raise ModelFolderError(f"{folder.path} cannot be loaded: {reason(error)}") from error
    _check_report(folder, report)
    if has_second_format(folder.quantization):
        mark_second_format(model)
    return model


def _check_report(folder: ModelFolder, report: Mapping[str, Any]) -> None:
    """Refuse a model of which some weights would be random numbers."""
    for name, found, expected in sorted(report["mismatched_keys"]):
        raise ModelFolderError(
            f"{folder.path}: the tensor {name} has the shape {list(found)}, and config.json asks"
            f" for {list(expected)}: the two do not belong together, download the folder again"
        )
    missing = sorted(report["missing_keys"])
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelFolderError(
            f"{folder.path}: the tensor {missing[0]}{more} is missing from {folder.weights_file}:"
            " download the folder again"
        )


def _quantization_config(folder: ModelFolder, options: LoadOptions) -> Any:
    """How to quantize while loading; None for weights that stay as they are."""
    method = (folder.quantization or {}).get("quant_method")
    if method == "gptq":
        _need("gptqmodel", "gptq")
    if method == "bitsandbytes" or (method is None and options.quantization == "nf4"):
        _need("bitsandbytes", "server")
    if method is None and options.quantization == "nf4":
        return _BitsAndBytes(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options.dtype or torch.bfloat16,
        )
    if method == "gptq" and not options.for_inference:
        # The other kernels lose the gradient of their inputs, in silence.
        bits = int((folder.quantization or {}).get("bits", 4))
        return _Gptq(bits=bits, backend=GPTQ_TRAINING_BACKEND)
    return None


def _check_int4(device: torch.device, options: LoadOptions) -> None:
    if device.type != "cpu":
        raise UsageError(f"quantization int4 is for the CPU: on {device.type} set it to nf4")
    if not options.for_inference:
        raise UsageError("quantization int4 has no gradients to train with: set it to nf4")
    if find_layout() is None:
        raise UsageError("there is no int4 kernel for this processor: set quantization to none")


def _quantization_name(folder: ModelFolder, options: LoadOptions) -> str:
    said = folder.quantization
    if said is None:
        return options.quantization
    if said.get("quant_method") == "bitsandbytes":
        return str(said.get("bnb_4bit_quant_type", "nf4")) if said.get("load_in_4bit") else "int8"
    return str(said.get("quant_method"))


def _need(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise AssistantError(
            f"this model needs the package {package}: pip install 'assistant[{extra}]'"
        )


def _dtype(
    folder: ModelFolder, config: Any, device: torch.device, options: LoadOptions
) -> torch.dtype:
    """As config.json says, or else as the weights are; bfloat16 where a CPU would get float16.

    Weights that are quantized afterwards stay as they are in the file, which is then not copied.
    """
    if options.dtype is not None:
        return options.dtype
    found = (_HEADER_DTYPES.get(tensor.dtype) for tensor in folder.tensors.values())
    stored = next((item for item in found if item is not None), torch.float32)
    if folder.quantization is None and options.quantization == "int4":
        return stored
    dtype = config.dtype or stored
    if dtype is torch.float16 and device.type == "cpu":
        return torch.bfloat16
    return dtype if isinstance(dtype, torch.dtype) else torch.float32


def _context_of(config: Any) -> int:
    text = config.get_text_config(decoder=True)
    return int(getattr(text, "max_position_embeddings", None) or _DEFAULT_CONTEXT)


def few_cores_for_gptqmodel() -> None:
    """Let it be imported, by peft too, on two cores: its thread pool takes two workers to start."""
    if (os.cpu_count() or 1) <= 2:
        os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no chatter while loading: front ends show what is worth showing."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    few_cores_for_gptqmodel()
    level, bars = _logging.get_verbosity(), _logging.is_progress_bar_enabled()
    _logging.set_verbosity_error()
    _logging.disable_progress_bar()
    try:
        with redirect_stdout(io.StringIO()):  # gptqmodel greets everybody there
            yield
    finally:
        _logging.set_verbosity(level)
        if bars:
            _logging.enable_progress_bar()


@contextmanager
def _out_of_memory(name: str, device: torch.device) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise AssistantError(
            f"{name} does not fit into the memory of {device}: set quantization to"
            f" {'int4' if device.type == 'cpu' else 'nf4'}, or choose a smaller or a GPTQ model"
        ) from error
