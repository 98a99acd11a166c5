"""Every kind of bad folder gives one line that names what is wrong and says what to do."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from assistant.engine.load import LoadOptions, load_model
from assistant.errors import ModelFolderError
from tests.engine import tiny

GATE = "model.layers.1.mlp.gate_proj.weight"


@pytest.fixture
def folder(llama: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(llama, tmp_path / "model"))


def shard(folder: Path) -> None:
    """Split the weights into two files with an index."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    weight_map: dict[str, str] = {}
    for number, part in enumerate((names[::2], names[1::2]), start=1):
        file = f"model-0000{number}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def change_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def cut(file: Path, count: int) -> None:
    file.write_bytes(file.read_bytes()[:-count])


def problem(folder: Path, adapter: Path | None = None) -> str:
    with pytest.raises(ModelFolderError) as caught:
        load_model(tiny.local_model(folder, adapter=adapter), LoadOptions("cpu"))
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_sharded_folder_is_loaded(folder: Path) -> None:
    shard(folder)
    assert load_model(tiny.local_model(folder), LoadOptions("cpu")).description.parameters > 0


def test_no_folder(tmp_path: Path) -> None:
    assert "nowhere is not a folder" in problem(tmp_path / "nowhere")


def test_no_config(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert problem(folder) == f"{folder / 'config.json'} is missing: download it again"


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00\x01", '{"hidden_size": 64}'])
def test_a_config_that_is_none(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    line = problem(folder)
    assert line.startswith(str(folder / "config.json")) and line.endswith("download it again")


def test_an_unknown_model_type(folder: Path) -> None:
    tiny.edit_json(folder / "config.json", model_type="mystery9")
    assert re.search(r"config\.json.*'mystery9'.*does not know", problem(folder))


def test_a_config_with_a_wrong_value(folder: Path) -> None:
    tiny.edit_json(folder / "config.json", hidden_size="wide")
    assert re.search(
        r"config\.json is not valid: .*hidden_size.*download it again", problem(folder)
    )


def test_a_model_that_makes_no_text(folder: Path) -> None:
    tiny.edit_json(folder / "config.json", model_type="vit", architectures=["ViTModel"])
    assert "cannot be loaded" in problem(folder)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_the_model(folder: Path, file: str) -> None:
    (folder / "evil.py").write_text("raise SystemExit('it ran')")
    tiny.edit_json(folder / file, auto_map={"AutoConfig": "evil.Config"})
    assert re.search(rf"{file} wants to run code.*auto_map.*refused", problem(folder))


def test_a_download_that_was_not_finished(folder: Path) -> None:
    (folder / ".cache").mkdir()
    (folder / ".cache" / "abc.incomplete").touch()
    assert "abc.incomplete is a download that was not finished" in problem(folder)


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "model.safetensors is missing: download it again" in problem(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_pickles_are_never_opened(folder: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    assert re.search(rf"{re.escape(name)} is a pickle.*safetensors only", problem(folder))


@pytest.mark.parametrize("count", [1, 1000])
def test_a_file_that_ends_too_early(folder: Path, count: int) -> None:
    size = (folder / "model.safetensors").stat().st_size
    cut(folder / "model.safetensors", count)
    expected = f"model.safetensors is incomplete: {count:,} of {size:,} bytes are missing"
    assert expected in problem(folder)


@pytest.mark.parametrize("keep", [0, 5, 50])
def test_a_file_that_ends_in_its_header(folder: Path, keep: int) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    line = problem(folder)
    assert str(file) in line and "download it again" in line


def test_a_file_that_is_something_else(folder: Path) -> None:
    (folder / "model.safetensors").write_text("<html>404: not found, and so on</html>")
    assert "is not a safetensors file" in problem(folder)


def test_a_missing_shard(folder: Path) -> None:
    shard(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "model-00002-of-00002.safetensors is missing, which" in problem(folder)


def test_a_short_shard(folder: Path) -> None:
    shard(folder)
    cut(folder / "model-00002-of-00002.safetensors", 10)
    assert "model-00002-of-00002.safetensors is incomplete: 10 of" in problem(folder)


def test_a_shard_without_a_tensor_of_the_index(folder: Path) -> None:
    shard(folder)
    file = next(path for path in folder.glob("model-*") if GATE in load_file(path))
    tensors = load_file(file)
    del tensors[GATE]
    save_file(tensors, file, {"format": "pt"})
    assert f"{file} does not hold the tensor {GATE}" in problem(folder)


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "model.bin"])
def test_an_index_that_points_elsewhere(folder: Path, name: str) -> None:
    shard(folder)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {GATE: name}}))
    assert "which is no safetensors file in its folder" in problem(folder)


def test_a_missing_tensor(folder: Path) -> None:
    change_tensors(folder, lambda tensors: tensors.pop(GATE))
    assert f"the tensor {GATE} is missing from model.safetensors" in problem(folder)


def test_a_tensor_of_another_shape(folder: Path) -> None:
    change_tensors(folder, lambda tensors: tensors.update({GATE: torch.zeros(96, 64)}))
    line = problem(folder)
    assert f"the tensor {GATE} has the shape [96, 64], and config.json asks for [128, 64]" in line


def test_a_missing_tensor_of_a_gptq_folder(llama_gptq: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(llama_gptq, tmp_path / "gptq"))
    name = "model.layers.0.self_attn.k_proj.qweight"
    change_tensors(folder, lambda tensors: tensors.pop(name))
    assert f"the tensor {name} is missing" in problem(folder)


def test_no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer: tokenizer.json or tokenizer.model is missing" in problem(folder)


def test_a_damaged_tokenizer(folder: Path) -> None:
    cut(folder / "tokenizer.json", 100)
    assert re.search(r"the tokenizer in .* cannot be loaded", problem(folder))


@pytest.fixture
def own_adapter(adapter: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(adapter, tmp_path / "adapter"))


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_without_a_file(llama: Path, own_adapter: Path, name: str) -> None:
    (own_adapter / name).unlink()
    assert problem(llama, own_adapter) == f"{own_adapter / name} is missing: download it again"


def test_a_short_adapter(llama: Path, own_adapter: Path) -> None:
    cut(own_adapter / "adapter_model.safetensors", 7)
    assert "adapter_model.safetensors is incomplete: 7 of" in problem(llama, own_adapter)


def test_an_adapter_as_a_pickle(llama: Path, own_adapter: Path) -> None:
    (own_adapter / "adapter_model.safetensors").rename(own_adapter / "adapter_model.bin")
    assert "adapter_model.bin is a pickle file" in problem(llama, own_adapter)


def test_an_adapter_of_another_kind(llama: Path, own_adapter: Path) -> None:
    tiny.edit_json(own_adapter / "adapter_config.json", peft_type="PREFIX_TUNING")
    assert "is a PREFIX_TUNING adapter: only LORA" in problem(llama, own_adapter)


def test_an_adapter_whose_config_says_another_rank(llama: Path, own_adapter: Path) -> None:
    tiny.edit_json(own_adapter / "adapter_config.json", r=8)
    assert re.search(r"cannot be used: .*lora_A.*\[4, \d+\].* rank 8", problem(llama, own_adapter))


def test_an_adapter_for_a_wider_model(adapter: Path, tmp_path: Path) -> None:
    other = tiny.save_llama(tmp_path / "wide", hidden=128)
    assert re.search(
        r"for another base model: its tensor \S+lora_A.weight has the shape \[4, 128\], and this"
        r" model's layer asks for \[4, 256\]",
        problem(other, adapter),
    )


def test_an_adapter_for_a_deeper_model(llama: Path, tmp_path: Path) -> None:
    deep = tiny.save_llama(tmp_path / "deep", layers=3)
    line = problem(llama, tiny.save_adapter(deep, tmp_path / "deep-adapter"))
    assert "this model has no layer model.layers.2." in line


def test_an_adapter_without_one_of_its_tensors(llama: Path, own_adapter: Path) -> None:
    file = own_adapter / "adapter_model.safetensors"
    tensors = load_file(file)
    name = sorted(tensors)[3]
    del tensors[name]
    save_file(tensors, file, {"format": "pt"})
    assert f"the tensor {name} is missing" in problem(llama, own_adapter)
