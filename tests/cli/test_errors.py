"""What goes wrong is said in one line on standard error, with the exit code of its kind."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["complete", "a.py"], 2, "FILE:LINE"),
        (["complete", "missing.py:1"], 2, "missing.py: No such file"),
        (["explain", "missing.py:3-1"], 2, "FILE:FROM-TO"),
        (["polish", "-"], 2, "- holds no text"),
        (["polish", "-", "--write"], 2, "leave --write out"),
        (["models", "rm", "starter"], 2, "--yes"),
        (["models", "pull", "vicuna-13c"], 1, "vicuna-13b"),
        (["tui"], 2, "in a terminal"),
        (["serve", "--quantization", "int3"], 2, "nf4"),
        (["serve", "--port", "99999"], 2, "65535"),
        (["eval", "code", "-n", "5"], 2, "--temperature"),
        (["eval", "compare", "neither", "nor"], 2, "no run is called neither, and no model"),
    ],
)
def test_the_user_is_told_what_to_do(run: Run, arguments: list[str], code: int, said: str) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_model_that_is_not_here_names_the_command_that_brings_it(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    done = run("complete", "a.py:1", settings={"ASSISTANT_MODEL": "vicuna-13b"})
    assert done.returncode == 1
    assert "assistant models pull vicuna-13b" in done.stderr
    assert "GB" in done.stderr
    assert "Traceback" not in done.stderr
