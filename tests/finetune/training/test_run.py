"""A run from its settings to an adapter that answers, and what the commands say on the way."""

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from assistant import paths
from assistant.cli.app import app
from assistant.engine.engine import Engine
from assistant.engine.load import LoadOptions, load_model
from assistant.errors import AssistantError, ModelFolderError, UsageError
from assistant.plan.machine import Device
from assistant.registry import adapter_named, locate
from assistant_finetune.adapters import find, versions
from assistant_finetune.adapters.merging import merge
from assistant_finetune.data import DataError
from assistant_finetune.training import result, trainer
from assistant_finetune.training.listening import Listener
from assistant_finetune.training.metrics import read_metrics
from assistant_finetune.training.recipes import read_settings, recipe_names
from assistant_finetune.training.result import Outcome
from assistant_finetune.training.run import resume, start
from assistant_finetune.training.settings import Settings
from tests.engine import tiny

TALKS = [
    {
        "messages": [
            {"role": "user", "content": f"What is {number} and {number}?"},
            {"role": "assistant", "content": f"It is {2 * number}, as everybody knows."},
        ]
    }
    for number in range(40)
]
FLAGS: dict[str, Any] = {
    "max_length": 128,
    "max_steps": 4,
    "batch_size": 4,
    "evaluate_every": 2,
    "rank": 4,
    "held_out": 0.2,
    "learning_rate": 1e-2,
}


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    file = tmp_path / "talks.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in TALKS))
    return file


def train(base: Path | str, talks: Path, name: str, **flags: Any) -> Outcome:
    told = {"base": str(base), "data": str(talks), "name": name, **FLAGS, **flags}
    return start(read_settings(told), Listener(), "cpu")


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_the_adapter_is_served_by_its_name_and_merges(
    method: str, llama: Path, talks: Path, tmp_path: Path
) -> None:
    outcome = train(llama, talks, "mine", method=method)
    assert outcome.result == paths.adapters_dir() / "mine"
    assert adapter_named("mine").is_for(llama.name)
    files = {file.name for file in outcome.result.iterdir()}
    assert files == {"adapter_model.safetensors", "adapter_config.json", "trained.json"}
    engine = Engine(load_model(tiny.local_model(llama), LoadOptions("cpu")))
    engine.add_adapter("mine", outcome.result)
    engine.close()
    merged = merge(find("mine"), tmp_path / "merged")
    assert merged.same > 0.9 and merged.distance < 0.05
    loaded = load_model(locate(str(merged.folder)), LoadOptions("cpu"))
    assert loaded.description.quantization == "none"


def test_the_runs_folder_tells_everything(llama: Path, talks: Path) -> None:
    outcome = train(llama, talks, "told")
    settings = tomllib.loads((outcome.run / "settings.toml").read_text())
    assert settings["max_steps"] == 4 and settings["method"] == "lora"
    measured = read_metrics(outcome.run / "metrics.jsonl")
    assert [one.step for one in measured if one.loss is not None] == [1, 2, 3, 4]
    assert [one.step for one in measured if one.held_out_loss is not None] == [2, 4]
    assert all(one.learned_per_second and one.memory_bytes for one in measured)
    report = (outcome.run / "report.html").read_text()
    assert "<svg" in report and "<script" not in report and "held-out loss" in report
    note = json.loads((outcome.result / "trained.json").read_text())
    assert note["data_sha256"] in report and note["format_fingerprint"] in report
    assert note["data"] == [str(talks.resolve())] and note["held_out"] == settings["held_out"]
    assert datetime.fromisoformat(note["trained_at"]) <= datetime.now(UTC)
    assert (outcome.run / "data" / "data.jsonl").stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="come to its end"):
        resume("told", Listener(), "cpu")


def test_an_adapter_of_other_weights_or_of_another_format_is_refused(
    llama: Path, talks: Path, tmp_path: Path
) -> None:
    outcome = train(llama, talks, "mine")
    other = tiny.save_llama(tmp_path / "other")
    model: Any = load_model(tiny.local_model(other), LoadOptions("cpu")).model
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(1.5)
    model.save_pretrained(other)
    engine = Engine(load_model(tiny.local_model(other), LoadOptions("cpu")))
    with pytest.raises(ModelFolderError, match="trained on other weights"):
        engine.add_adapter("mine", outcome.result)
    engine.close()
    spoken = tiny.local_model(llama, chat_format="vicuna_v1.1", adapter=outcome.result)
    with pytest.raises(ModelFolderError, match=r"another chat format .*\(template\)"):
        load_model(spoken, LoadOptions("cpu"))


def test_a_name_that_is_trained_again_keeps_the_former_which_can_be_brought_back(
    llama: Path, talks: Path, tmp_path: Path
) -> None:
    remarks = list[str]()

    def again(seed: int) -> Outcome:
        told = {"base": str(llama), "data": str(talks), "name": "mine", **FLAGS, "seed": seed}
        return start(read_settings(told), Listener(remark=remarks.append), "cpu")

    def weights() -> bytes:
        return (paths.adapters_dir() / "mine" / "adapter_model.safetensors").read_bytes()

    first = again(1)
    begun = weights()
    assert not [line for line in remarks if "rollback" in line]
    second = again(2)
    assert [line for line in remarks if "`assistant adapters rollback mine`" in line]
    assert (first.run.name, second.run.name, second.name) == ("mine", "mine@2", "mine")
    later = weights()
    assert begun != later
    run = CliRunner()
    for expected, made_by in ((begun, "mine"), (later, "mine@2"), (begun, "mine")):
        assert run.invoke(app, ["adapters", "rollback", "mine"]).exit_code == 0
        assert weights() == expected
        (row,) = json.loads(run.invoke(app, ["adapters", "list", "--json"]).stdout)
        assert (row["name"], row["run"], row["has_former"]) == ("mine", made_by, True)
    third = again(3)
    assert third.run.name == "mine@3"
    assert first.run.exists() and not second.run.exists(), "of the one that is gone for good"
    assert run.invoke(app, ["adapters", "rollback", "mine"]).exit_code == 0
    assert weights() == begun
    other = tiny.save_llama(tmp_path / "other")
    with pytest.raises(UsageError, match=r"called mine already, on .*tiny-llama: choose another"):
        train(other, talks, "mine")
    assert run.invoke(app, ["adapters", "rm", "mine", "--yes"]).exit_code == 0
    assert not list(paths.runs_dir().iterdir())
    assert not list((paths.adapters_dir() / ".former").iterdir())


@pytest.mark.parametrize("installed", [False, True])
def test_a_run_that_is_killed_at_its_very_end_goes_on_to_its_result(
    installed: bool, llama: Path, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its adapter is where servers find it, or right behind that."""

    class Killed(BaseException):
        pass

    def killed(folder: Path, name: str) -> Path:
        if installed:
            versions.install(folder, name)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(result, "install", killed)
        train(llama, talks, "mine")
    outcome = resume("mine", Listener(), "cpu")
    assert outcome.result == paths.adapters_dir() / "mine"
    assert find("mine").run == "mine" and not find("mine").has_former
    with pytest.raises(UsageError, match="has come to its end"):
        resume("mine", Listener(), "cpu")


def test_all_weights_can_be_trained(llama: Path, talks: Path) -> None:
    outcome = train(llama, talks, "whole", method="full", rank=None, learning_rate=1e-3)
    loaded = load_model(locate(str(outcome.result)), LoadOptions("cpu"))
    assert loaded.model.dtype is torch.bfloat16
    with pytest.raises(UsageError, match="is a model of that name"):
        train(llama, talks, "whole")


class _LikeGpu(Device):
    """The CPU, taken for a device with a memory of its own."""

    @property
    def kind(self) -> str:
        return "cuda"


def too_little(monkeypatch: pytest.MonkeyPatch, enough: Callable[[Settings, int], bool]) -> None:
    """Let memory run out in each pass with settings and rows that are not enough."""
    losses = trainer._RowTrainer._losses

    def tried(self: Any, model: Any, inputs: dict[str, Any]) -> Any:
        if not enough(self._job.settings, len(inputs["input_ids"])):
            raise torch.OutOfMemoryError("there is no more")
        return losses(self, model, inputs)

    monkeypatch.setattr(trainer._RowTrainer, "_losses", tried)


def test_out_of_memory_halves_what_is_computed_at_once(
    llama: Path, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_little(monkeypatch, lambda settings, rows: rows == 1)
    remarks = list[str]()
    told = {"base": str(llama), "data": str(talks), "name": "small", **FLAGS}
    settings = read_settings({**told, "micro_batch_size": 4, "packing": False})
    outcome = start(settings, Listener(remark=remarks.append), "cpu")
    assert [line for line in remarks if "4 times for a step of 4" in line]
    assert outcome.steps == 4


def test_out_of_memory_on_a_gpu_ends_with_activations_kept_elsewhere(
    llama: Path, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_little(monkeypatch, lambda settings, _: settings.offload)
    device = _LikeGpu("cpu", "a CPU", 10**11, 10**11)
    monkeypatch.setattr("assistant_finetune.training.run._device", lambda _: device)
    remarks = list[str]()
    told = {"base": str(llama), "data": str(talks), "name": "away", **FLAGS}
    settings = read_settings({**told, "micro_batch_size": 2})
    outcome = start(settings, Listener(remark=remarks.append), "cpu")
    tried = [line.partition("4 times for a step of 4")[2] for line in remarks if "4 times" in line]
    twice = ", activations computed twice"
    assert tried == ["", twice, f"{twice}, kept in the computer's memory"]
    kept = tomllib.loads((outcome.run / "settings.toml").read_text())
    assert kept["offload"] and kept["checkpointing"] and kept["batch_size"] == 4


def test_out_of_memory_with_nothing_left_to_try_says_what_would_fit(
    llama: Path, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_little(monkeypatch, lambda *_: False)
    with pytest.raises(AssistantError, match="one row at a time: by the plan --max-length 64"):
        train(llama, talks, "never", micro_batch_size=1)


def test_data_without_anything_to_learn_leaves_no_run_behind(llama: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"messages": [{"role": "user", "content": "Hello?"}]}\n')
    with pytest.raises(DataError, match="nothing can be learned"):
        train(llama, empty, "nothing")
    assert not (paths.runs_dir() / "nothing").exists()


def test_every_recipe_is_whole_and_mistakes_are_named_together(tmp_path: Path) -> None:
    assert recipe_names() == ["alpaca-lora", "default", "guanaco", "vicuna"]
    for name in recipe_names():
        assert read_settings({}, recipe=name).base == "starter"
    assert read_settings({"rank": 8}, recipe="guanaco").rank == 8
    file = tmp_path / "run.toml"
    file.write_text('recipe = "guanaco"\nmax_steps = 3\n')
    assert read_settings({}, file=file).max_steps == 3
    file.write_text('rnak = 3\nlearning_rate = "x"\nbatch_size = 0\n')
    with pytest.raises(UsageError) as caught:
        read_settings({}, file=file)
    for said in ("rnak is unknown, did you mean rank?", "learning_rate", "batch_size"):
        assert said in str(caught.value)
    with pytest.raises(UsageError, match="did you mean guanaco"):
        read_settings({}, recipe="guanac")


def test_a_plan_says_what_takes_how_much_without_the_model() -> None:
    ran = CliRunner().invoke(app, ["finetune", "--base", "vicuna-13b", "--plan", "--json"])
    plan = json.loads(ran.stdout)
    assert plan["memory"]["weights"] > 6e9
    assert plan["total_bytes"] == sum(plan["memory"].values())


def test_what_does_not_fit_is_refused_before_anything_is_loaded(
    llama: Path, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: _Memory())
    with pytest.raises(AssistantError, match=r"takes \d.* GB, and cpu has 0.1 GB free"):
        train(llama, talks, "large")


class _Memory:
    total = 200_000_000
    available = 100_000_000


def test_adapters_are_listed_used_and_removed(llama: Path, talks: Path) -> None:
    train(llama, talks, "mine")
    config = paths.config_file()
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text('# mine\nmodel = "starter"\nrecord = false\n')
    run = CliRunner()
    assert run.invoke(app, ["adapters", "use", "mine"]).exit_code == 0
    text = config.read_text()
    assert text.startswith("# mine\nrecord = false\n")
    settings = tomllib.loads(text)
    assert settings["model"] == str(llama) and settings["adapter"].endswith("/adapters/mine")
    (row,) = json.loads(run.invoke(app, ["adapters", "list", "--json"]).stdout)
    assert row["name"] == "mine" and row["in_use"] and row["examples"] == 40
    with pytest.raises(UsageError, match="in use"):
        run.invoke(app, ["adapters", "rm", "mine", "--yes"], catch_exceptions=False)
    assert run.invoke(app, ["adapters", "use", "--none"]).exit_code == 0
    assert "adapter" not in tomllib.loads(config.read_text())
    assert run.invoke(app, ["adapters", "rm", "mine", "--yes"]).exit_code == 0
    assert not (paths.adapters_dir() / "mine").exists()
    assert not (paths.runs_dir() / "mine").exists()
