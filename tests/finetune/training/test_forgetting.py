"""An adapter is as strong as it may be without making the base forget more than was allowed."""

import json
from pathlib import Path

import pytest
import torch

from assistant.engine.load import LoadOptions, load_model
from assistant.engine.lora import AdapterHooks
from assistant.registry import locate
from assistant_finetune.data.replay import kept_back
from assistant_finetune.training.forgetting import strongest
from assistant_finetune.training.listening import Listener
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.run import start


@pytest.mark.parametrize(("most", "alpha"), [(1.0, 64), (0.25, 32), (0.0, 1)])
def test_the_largest_alpha_that_is_allowed(most: float, alpha: int) -> None:
    found = strongest(lambda alpha: (alpha / 64) ** 2, 64, most)
    assert found == pytest.approx(alpha, abs=2)
    assert found == 1 or (found / 64) ** 2 <= most


def test_a_run_that_forgets_too_much_is_weakened_and_says_so(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "odd.py").write_text("zzz = 'qqq' + 'qqq'\n" * 60)
    told = {"base": "starter", "data": str(project), "held_out": 0.0, "replay": 0.0}
    told |= {"max_steps": 20, "max_length": 256, "rank": 16, "learning_rate": 1e-2}
    remarks = list[str]()
    listener = Listener(remark=remarks.append)
    weak = start(read_settings({**told, "name": "weak", "forgetting": 0.02}), listener, "cpu")
    assert [line for line in remarks if "of its strength" in line]
    config = json.loads((weak.result / "adapter_config.json").read_text())
    assert 1 <= config["lora_alpha"] < 16
    loaded = load_model(
        locate("starter", str(weak.result)), LoadOptions("cpu", for_inference=False)
    )
    hooks = AdapterHooks(loaded.model)
    ids = [loaded.renderer.tokenizer.encode_text(one.text)[:255] for one in kept_back(12)]

    def loss() -> float:
        with torch.inference_mode():
            found = [
                loaded.model(torch.tensor([[0, *one]]), labels=torch.tensor([[0, *one]]))
                for one in ids
            ]
        return sum(float(one.loss) for one in found)

    base = loss()
    with hooks.using(loaded.adapter):
        assert base < loss() < base * 1.1
