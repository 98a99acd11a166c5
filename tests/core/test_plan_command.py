"""`assistant models plan` as a user sees it."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from assistant.cli.app import app
from assistant.errors import AssistantError


def plan(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["models", "plan", "--memory-only", *arguments])
    if done.exception:
        raise done.exception
    return done.stdout


def plans(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(plan("--json", *arguments))["plans"]
    return found


def test_the_table_says_what_fits_and_ends_with_one_line_of_advice() -> None:
    *rows, advice = plan("qwen2.5-coder-0.5b", "llama2-70b").splitlines()
    assert rows[0].split()[:3] == ["name", "weights", "as"]
    verdicts = {tuple(row.split()[:1]): row for row in rows[1:]}
    assert "fits" in verdicts["qwen2.5-coder-0.5b",]
    assert len(rows) > 5
    assert advice.startswith("on this machine: ")


def test_every_known_model_is_in_it() -> None:
    names = {row["name"] for row in plans()}
    assert {"vicuna-13b-gptq", "llama2-70b", "starcoder2-15b"} <= names


def test_a_name_that_says_gptq_means_that_alone() -> None:
    assert [row["storage"] for row in plans("llama-13b-gptq")] == ["gptq"]
    assert {row["storage"] for row in plans("llama-13b")} > {"gptq", "bf16"}


def test_the_context_is_the_users_and_never_more_than_the_models() -> None:
    (short,), (long,) = plans("vicuna-13b", "--context", "512"), plans("vicuna-13b")
    (most,) = plans("vicuna-13b", "--context", "1000000")
    assert (short["context"], long["context"], most["context"]) == (512, 2048, 2048)
    assert short["memory"]["cache"] * 4 == long["memory"]["cache"]


def test_what_to_set_is_told() -> None:
    found = {row["storage"]: row["settings"] for row in plans("qwen3-8b")}
    assert found["bf16"] == {"model": "qwen3-8b"}
    assert found["int4"] == {"model": "qwen3-8b", "quantization": "int4"}


def test_the_starter_is_a_model_too() -> None:
    assert {row["fit"] for row in plans("starter")} == {"fits"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["vicuna-13c"], "vicuna-13b"), (["./nowhere"], "no folder"), (["--measure"], "name those")],
)
def test_mistakes(arguments: list[str], said: str) -> None:
    with pytest.raises(AssistantError, match=said):
        plan(*arguments)
