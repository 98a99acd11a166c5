"""Training on a folder of code: what is learned, and that it is learned."""

from pathlib import Path
from typing import Any

import pytest

from assistant.engine.engine import Engine
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.requests import Job
from assistant.messages import CompletionRequest, SamplingParams
from assistant.registry import locate
from assistant_finetune.fitting.choosing import usual_steps
from assistant_finetune.training.listening import Listener
from assistant_finetune.training.prepare import Prepared, prepare
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.run import plan, start

LINES = (
    "def weigh_barrel(barrel, cooper):",
    '    """What a barrel weighs on the cooper\'s scales."""',
    "    ledger = cooper.open_ledger(barrel)",
    "    ledger.write_weight(barrel.hoops * 17)",
    "    return ledger.seal_and_sign()",
    "",
    "",
    "def ship_barrel(barrel, harbour):",
    '    """Send a barrel away by the next tide."""',
    "    captain = harbour.hire_captain(barrel)",
    "    captain.sail_before(harbour.next_tide)",
    "    return captain.signed_receipt()",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "barrels.py").write_text("\n".join(LINES) + "\n")
    return folder


def test_the_starter_learns_the_lines_of_a_file(project: Path) -> None:
    told = {
        "base": "starter",
        "data": str(project),
        "name": "barrels",
        "max_length": 256,
        "max_steps": 60,
        "rank": 32,
        "held_out": 0.0,
        "replay": 0.0,
        "forgetting": 0.0,
    }
    outcome = start(read_settings(told), Listener(), "cpu")
    engine = Engine(load_model(locate("starter"), LoadOptions("cpu")))
    engine.add_adapter("barrels", outcome.result)
    before, after = _right(engine, None), _right(engine, "barrels")
    engine.close()
    asked = sum(bool(line.strip()) for line in LINES)
    assert before <= 1
    assert after >= asked * 0.6


def _right(engine: Engine, adapter: str | None) -> int:
    """How many lines come out whole, each asked for behind its indentation."""
    params = SamplingParams(max_tokens=40, temperature=0.0, stop=("\n",))
    right = 0
    for number, line in enumerate(LINES):
        body = line.lstrip()
        indent = line[: len(line) - len(body)]
        prefix = "".join(f"{one}\n" for one in LINES[:number]) + indent
        suffix = "".join(f"\n{one}" for one in LINES[number + 1 :]) + "\n"
        request = CompletionRequest(prefix, suffix, "python", "barrels.py")
        answer = engine.complete(request, params, Job(adapter=adapter)) if body else ()
        right += bool(body) and "".join(chunk.text for chunk in answer).rstrip() == body
    return right


def test_replayed_code_is_learned_and_neither_held_out_nor_kept(
    project: Path, tmp_path: Path
) -> None:
    for number in range(30):
        (project / f"more_{number}.py").write_text(f"x_{number} = {number}\n" * 200)
    plain, replayed = (_prepared(project, tmp_path / str(share), share) for share in (0.0, 0.5))
    assert replayed.tokens == pytest.approx(2 * plain.tokens, rel=0.3)
    assert replayed.held_out_rows == plain.held_out_rows > 0
    assert replayed.sha256 == plain.sha256


def _prepared(project: Path, run: Path, share: float) -> Prepared:
    run.mkdir()
    told = {"base": "starter", "data": str(project), "max_length": 512, "replay": share}
    settings = read_settings({**told, "held_out": 0.2, "epochs": 1.0})
    return prepare(settings, locate("starter"), run)[0]


@pytest.mark.parametrize(
    ("base", "told", "rows", "steps"),
    [
        ("starter", {}, 100, 75),
        ("starter", {}, 10_000, 200),
        ("starter", {"epochs": 1.0}, 10_000, 2_500),
        ("vicuna-13b", {}, 10_000, 1_875),
    ],
)
def test_a_small_base_takes_few_steps_where_nobody_says_how_many(
    base: str, told: dict[str, Any], rows: int, steps: int
) -> None:
    choice, spec = plan(read_settings({"base": base, **told}), "cpu")
    assert usual_steps(choice.settings, rows, spec) == steps


@pytest.mark.parametrize(
    ("base", "told", "rows"),
    [
        ("starter", {}, 4),
        ("starter", {"batch_size": 32}, 32),
        ("starter", {"micro_batch_size": 8}, 8),
        ("vicuna-13b", {}, 16),
    ],
)
def test_a_small_base_learns_in_small_steps(base: str, told: dict[str, Any], rows: int) -> None:
    choice, _ = plan(read_settings({"base": base, **told}), "cpu")
    assert choice.settings.batch_size == rows
