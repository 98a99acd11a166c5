"""What is exported answers as the merged model, or is not kept."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from typer.testing import CliRunner, Result

from assistant import paths
from assistant.cli.app import app
from assistant.engine.load import LoadOptions, load_model
from assistant.errors import AssistantError, UsageError
from assistant.paths import HOME_VARIABLE
from assistant.registry import locate
from assistant_finetune.adapters import exporting, find
from assistant_finetune.adapters.agreement import split_rows
from assistant_finetune.adapters.gguf import find_converter
from assistant_finetune.adapters.quantizing import group_size
from assistant_finetune.training.listening import Listener
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.run import start
from tests.engine import tiny
from tests.prompts.families import sentencepiece

STAND_IN = Path(__file__).with_name("stand_in_converter.py")
REAL = os.environ.get("ASSISTANT_TEST_GGUF_CONVERTER")
"""llama.cpp's converter, where a test may run it."""
CODE = "def step_{0}(value: int) -> int:\n    total = value + {0}\n    return total\n\n\n"
FLAGS: dict[str, Any] = {
    "max_length": 128,
    "max_steps": 3,
    "batch_size": 4,
    "rank": 4,
    "held_out": 0.3,
    "learning_rate": 1e-3,
}
_Llama: Any = LlamaForCausalLM
_Tokenizer: Any = PreTrainedTokenizerFast


def train(base: str, data: Path, name: str) -> None:
    told = {"base": base, "data": str(data), "name": name, **FLAGS}
    start(read_settings(told), Listener(), "cpu")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for number in range(12):
        code = "".join(CODE.format(number * 20 + place) for place in range(8))
        (folder / f"part_{number}.py").write_text(code)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """A home's data with an adapter of the starter, `mine`, and its run."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(HOME_VARIABLE, str(home))
        train("starter", project, "mine")
    return home / "data"


@pytest.fixture
def mine(trained: Path, sealed_home: Path) -> Iterator[str]:
    shutil.copytree(trained, sealed_home / "data")
    yield "mine"
    left = list((sealed_home / "data" / "models").glob(".*"))
    assert not left, "nothing unfinished stays behind"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["adapters", *arguments], catch_exceptions=False)


def test_gptq_is_fitted_to_the_users_data_and_found_by_its_name(mine: str) -> None:
    pytest.importorskip("gptqmodel")
    said = json.loads(run("export", mine, "--to", "gptq", "--json").stdout)
    assert said["path"] == str(paths.models_dir() / "mine-gptq")
    assert said["group_size"] == 64, "128 does not divide the starter's 704"
    found = said["agreement"]
    assert found["places"] > 50
    assert found["distance"] < 0.15 and found["same"] > 0.8
    assert found["loss"] < found["expected_loss"] + 0.15
    local = locate("mine-gptq")
    assert (local.chat_format, local.fim_format, local.wording) == ("starter", "starter", "brief")
    loaded = load_model(local, LoadOptions("cpu"))
    assert loaded.description.quantization == "gptq"
    with pytest.raises(UsageError, match="is there already: name another place with --output"):
        run("export", mine, "--to", "gptq")


def damaged(model: Path, output: Path, texts: Sequence[Sequence[int]]) -> int:
    """What comes of a quantizer that goes wrong: some of the weights are others."""
    assert texts
    shutil.copytree(model, output)
    weights = load_file(output / "model.safetensors")
    key = "model.layers.1.mlp.down_proj.weight"
    weights[key] = weights[key] * -4
    save_file(weights, output / "model.safetensors", {"format": "pt"})
    return 64


def test_what_would_answer_otherwise_is_not_kept(
    mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "quantize", damaged)
    with pytest.raises(AssistantError, match=r"would answer otherwise .* nothing was written"):
        run("export", mine, "--to", "gptq")
    assert not (paths.models_dir() / "mine-gptq").exists()


def test_a_gguf_file_is_asked_by_llama_cpp(mine: str, project: Path, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    pytest.importorskip("gguf")
    shutil.rmtree(paths.runs_dir() / "mine")
    file = tmp_path / "mine.gguf"
    options = ["export", mine, "--to", "gguf", "--output", str(file)]
    with pytest.raises(UsageError, match="the data of mine is gone: name some with --data"):
        run(*options, "--converter", str(STAND_IN))
    options += ["--data", str(project), "--json"]
    said = json.loads(run(*options, "--converter", str(STAND_IN)).stdout)
    assert file.read_bytes()[:4] == b"GGUF"
    assert said["agreement"]["distance"] < 0.03 and said["agreement"]["same"] > 0.95
    assert 0 <= said["cut_alike"] <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.gguf"]


def test_without_llama_cpp_it_is_said_that_nothing_was_checked(
    mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gguf")
    monkeypatch.setattr("assistant_finetune.adapters.gguf.can_be_asked", lambda: False)
    monkeypatch.setenv("ASSISTANT_GGUF_CONVERTER", str(STAND_IN))
    file = tmp_path / "mine.gguf"
    done = run("export", mine, "--to", "gguf", "--output", str(file), "--json")
    assert json.loads(done.stdout)["agreement"] is None and file.exists()
    assert "not checked: `pip install llama-cpp-python`" in done.stderr


def test_a_converter_that_fails_is_quoted(mine: str, tmp_path: Path) -> None:
    script = tmp_path / "convert_hf_to_gguf.py"
    script.write_text("raise SystemExit('Model Odd is not supported')")
    options = ["export", mine, "--to", "gguf", "--output", str(tmp_path / "mine.gguf")]
    with pytest.raises(AssistantError, match="failed: Model Odd is not supported"):
        run(*options, "--converter", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [script.name]
    with pytest.raises(UsageError, match=r"gguf_converter in the settings"):
        run(*options)
    with pytest.raises(UsageError, match=r"there is no .*elsewhere"):
        find_converter(str(tmp_path / "elsewhere"))
    with pytest.raises(UsageError, match=r"--output FILE\.gguf"):
        run(*options[:4])


@pytest.mark.skipif(REAL is None, reason="ASSISTANT_TEST_GGUF_CONVERTER names no converter")
def test_llama_cpps_own_converter(mine: str, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    base = llama_with_sentencepiece(tmp_path / "base")
    talks = tmp_path / "talks.jsonl"
    asked = "Write a function. What is it?"
    messages = [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": "def add(first, second): return first + second"},
    ]
    lines = [{"messages": [{"role": "system", "content": f"{n}"}, *messages]} for n in range(20)]
    talks.write_text("".join(json.dumps(line) + "\n" for line in lines))
    train(str(base), talks, "chatty")
    file = tmp_path / "chatty.gguf"
    exported = exporting.export_gguf(find("chatty"), file, find_converter(REAL))
    assert exported.agreement is not None
    assert exported.agreement.distance < 0.05 and exported.agreement.same > 0.9
    # The starter cuts words in a way of its own, which llama.cpp does not know.
    with pytest.raises(AssistantError, match=r"convert_hf_to_gguf\.py failed: .*pre-tokenizer"):
        exporting.export_gguf(find(mine), tmp_path / "mine.gguf", find_converter(REAL))


def llama_with_sentencepiece(folder: Path) -> Path:
    """A small Llama with a vocabulary in the manner of Llama 2, whose chats are Vicuna's."""
    fast: Tokenizer = sentencepiece("legacy").fast
    config = LlamaConfig(
        vocab_size=fast.get_vocab_size(),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.1,
        bos_token_id=1,
        eos_token_id=2,
    )
    _Llama(config).save_pretrained(folder)
    tokenizer = _Tokenizer(tokenizer_object=fast, bos_token="<s>", eos_token="</s>")
    tokenizer.save_pretrained(folder)
    (folder / "assistant.json").write_text('{"chat_format": "vicuna_v1.1", "fim_format": "none"}')
    return folder


def test_groups_divide_the_inputs_of_all_layers(tmp_path: Path) -> None:
    assert group_size(tiny.save_llama(tmp_path / "wide", hidden=128, layers=1)) == 128
    assert group_size(tiny.save_llama(tmp_path / "narrow", layers=1)) == 64
    with pytest.raises(UsageError, match=r"divides the inputs of all layers \(48, 96\)"):
        group_size(tiny.save_llama(tmp_path / "odd", hidden=48, layers=1))


def test_the_samples_of_a_row_are_asked_about_one_by_one() -> None:
    row = {
        "input_ids": [5, 6, 7, 8, 9],
        "labels": [-100, 6, 7, -100, 9],
        "position_ids": [0, 1, 2, 0, 1],
    }
    assert [(one.ids, one.labels) for one in split_rows([row])] == [
        ((5, 6, 7), (-100, 6, 7)),
        ((8, 9), (-100, 9)),
    ]
