"""Whether a model's folder is whole and safe to load, found out before anything is loaded.

Only names, sizes and headers are read. Every problem is one line that names the file or tensor
and says what to do.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import ModelFolderError

_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_UNFINISHED = ("*.incomplete", "*.part", "*.partial", "*.aria2")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model")
_AGAIN = "download it again"
_LARGEST_HEADER = 100_000_000
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """What a safetensors file says of one tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that passed the check."""

    path: Path
    config: Mapping[str, Any]
    quantization: Mapping[str, Any] | None
    """What config.json or quantize_config.json says of how the weights are quantized."""
    weights_file: str
    """The safetensors file, or the index of several."""
    tensors: Mapping[str, TensorHeader]


def check_model_folder(folder: Path) -> ModelFolder:
    """Look at all files of a model's folder. Raises ModelFolderError for the first problem."""
    if not folder.is_dir():
        raise ModelFolderError(f"{folder} is not a folder: choose the folder of a model")
    _check_downloads(folder)
    config = read_json(folder / "config.json")
    if not isinstance(config.get("model_type"), str):
        raise ModelFolderError(f"{folder / 'config.json'} names no model_type: {_AGAIN}")
    _check_no_code(folder, config)
    weights_file = _weights_file(folder)
    if weights_file.endswith(".index.json"):
        tensors = _sharded_tensors(folder, folder / weights_file)
    else:
        tensors = read_header(folder / weights_file)
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise ModelFolderError(f"{folder} has no tokenizer: {' or '.join(_TOKENIZERS)} is missing")
    return ModelFolder(folder, config, _quantization(folder, config), weights_file, tensors)


def check_adapter_folder(folder: Path) -> Mapping[str, TensorHeader]:
    """Look at all files of a LoRA adapter's folder; what it says of its tensors.

    Raises ModelFolderError for the first problem.
    """
    if not folder.is_dir():
        raise ModelFolderError(f"{folder} is not a folder: choose the folder of an adapter")
    _check_downloads(folder)
    config = read_json(folder / "adapter_config.json")
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ModelFolderError(f"{folder} is a {kind} adapter: only LORA adapters can be used")
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        _refuse_pickles(folder)
        raise ModelFolderError(f"{weights} is missing: {_AGAIN}")
    return read_header(weights)


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises ModelFolderError when it is missing or something else."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelFolderError(f"{file} is missing: {_AGAIN}") from error
    except OSError as error:
        raise ModelFolderError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ModelFolderError(f"{file} is not valid JSON ({error}): {_AGAIN}") from error
    if not isinstance(content, dict):
        raise ModelFolderError(f"{file} must hold a JSON object: {_AGAIN}")
    return content


def reason(error: Exception) -> str:
    """What an error of a library says, as one line of bearable length."""
    words = " ".join(str(error).split()) or repr(error)
    return words if len(words) <= _LONGEST_REASON else words[: _LONGEST_REASON - 1] + "…"


def read_header(file: Path) -> dict[str, TensorHeader]:
    """The tensors that a safetensors file says it holds; none of their values is read.

    Raises ModelFolderError when the file is shorter than that takes, or no safetensors file.
    """
    try:
        with file.open("rb") as stream:
            size = file.stat().st_size
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if len(start) < 8 or length > _LARGEST_HEADER:
                raise ModelFolderError(f"{file} is not a safetensors file: {_AGAIN}")
            if size < 8 + length:
                raise _too_short(file, size, 8 + length)
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        tensors = {
            name: TensorHeader(entry["dtype"], tuple(entry["shape"]))
            for name, entry in header.items()
        }
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except OSError as error:
        raise ModelFolderError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFolderError(f"{file} has a damaged header: {_AGAIN}") from error
    if size < 8 + length + end:
        raise _too_short(file, size, 8 + length + end)
    return tensors


def _too_short(file: Path, size: int, expected: int) -> ModelFolderError:
    return ModelFolderError(
        f"{file} is incomplete: {expected - size:,} of {expected:,} bytes are missing: {_AGAIN}"
    )


def _check_downloads(folder: Path) -> None:
    for pattern in _UNFINISHED:
        for left in sorted(folder.rglob(pattern)):
            raise ModelFolderError(
                f"{left} is a download that was not finished: download the folder again"
            )


def _check_no_code(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse a model that brings its own code: it would run with all of the user's rights."""
    tokenizer = folder / "tokenizer_config.json"
    for file, content in (
        ("config.json", config),
        ("tokenizer_config.json", read_json(tokenizer) if tokenizer.exists() else {}),
    ):
        if content.get("auto_map"):
            raise ModelFolderError(
                f"{folder / file} wants to run code that came with the model (auto_map), which is"
                " refused: choose a version of the model for transformers' own classes"
            )


def _weights_file(folder: Path) -> str:
    for name in (_INDEX, _SINGLE):
        if (folder / name).is_file():
            return name
    # Older GPTQ folders name their one file in their own way.
    others = sorted(file.name for file in folder.glob("*.safetensors"))
    others = [name for name in others if not name.startswith("adapter")]
    if len(others) == 1:
        return others[0]
    _refuse_pickles(folder)
    if others:
        raise ModelFolderError(
            f"{folder / _INDEX} is missing, which says how {others[0]} and the others belong"
            f" together: {_AGAIN}"
        )
    raise ModelFolderError(f"{folder} has no weights: {_SINGLE} is missing: {_AGAIN}")


def _refuse_pickles(folder: Path) -> None:
    for pattern in _PICKLES:
        for file in sorted(folder.glob(pattern)):
            raise ModelFolderError(
                f"{file} is a pickle file, which could run any code and is never opened:"
                " safetensors only, so download the model in that form or convert it"
            )


def _sharded_tensors(folder: Path, index_file: Path) -> dict[str, TensorHeader]:
    weight_map = read_json(index_file).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelFolderError(f"{index_file} has no weight_map: {_AGAIN}")
    tensors: dict[str, TensorHeader] = {}
    for name in _shard_names(index_file, weight_map.values()):
        shard = folder / name
        if not shard.is_file():
            raise ModelFolderError(f"{shard} is missing, which {index_file.name} names: {_AGAIN}")
        held = read_header(shard)
        for tensor, home in weight_map.items():
            if home == name and tensor not in held:
                raise ModelFolderError(
                    f"{shard} does not hold the tensor {tensor}, which {index_file.name} says:"
                    f" {_AGAIN}"
                )
        tensors.update(held)
    return tensors


def _shard_names(index_file: Path, names: Iterable[object]) -> list[str]:
    """The shards in order. An index may not point out of its folder or to a pickle."""
    shards = sorted({str(name) for name in names})
    for name in shards:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelFolderError(
                f"{index_file} names {name!r}, which is no safetensors file in its folder: {_AGAIN}"
            )
    return shards


def _quantization(folder: Path, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    own = config.get("quantization_config")
    if isinstance(own, dict):
        return own
    # The form in which GPTQ folders were saved before transformers knew of them.
    older = folder / "quantize_config.json"
    if older.is_file():
        return {"quant_method": "gptq", **read_json(older)}
    return None
