"""`assistant eval mmlu` as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.data_hub import hub
from tests.eval.exams import publish, write_exam


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_exam(tmp_path_factory.mktemp("exam"), {"anatomy": 3, "astronomy": 2})


def test_a_table_for_people_and_an_object_for_scripts(run: Run, exam: Path, tmp_path: Path) -> None:
    arguments = ["eval", "mmlu", "--data", str(exam), "--shots", "1", "-o", str(tmp_path / "run")]
    shown = run(*arguments, "-p", "harness", "-p", "old-harness")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].split()[-5:] == ["harness", "old-harness", "acc", "old-harness", "acc_norm"]
    assert [line.split()[0] for line in lines[1:5]] == ["astronomy", "stem", "anatomy", "other"]
    assert any(line.startswith("all questions alike (micro)") and " 5 " in line for line in lines)
    assert shown.stderr.splitlines() == [f"the report is {tmp_path / 'run' / 'report.html'}"]
    printed = run(*arguments, "-p", "harness", "-p", "old-harness", "--json")
    found = json.loads(printed.stdout)
    assert [one["measure"] for one in found["scores"]] == ["acc", "acc", "acc_norm"]
    assert found["scores"][0]["micro"]["questions"] == 5
    assert found["passport"]["model"]["name"] == "starter"
    assert Path(found["report"]).is_file()


def test_what_is_kept_is_listed(run: Run, exam: Path, tmp_path: Path) -> None:
    home = {"ASSISTANT_HOME": str(tmp_path / "home")}
    nothing = run("eval", "list", settings=home)
    assert (nothing.returncode, nothing.stdout) == (0, "") and "eval mmlu" in nothing.stderr
    assert run("eval", "list", "--json", settings=home).stdout == "[]\n"
    done = run("eval", "mmlu", "--data", str(exam), "--shots", "0", settings=home)
    assert done.returncode == 0, done.stderr
    shown = run("eval", "list", settings=home).stdout.splitlines()
    (row,) = json.loads(run("eval", "list", "--json", settings=home).stdout)
    assert len(shown) == 1 and shown[0].endswith(row["name"]) and "harness" in shown[0]
    assert (row["state"], row["answered"], row["asked"]) == ("whole", 5, 5)
    again = run(*row["command"], settings=home)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr


def test_the_hub_is_asked_once(run: Run, exam: Path, tmp_path: Path) -> None:
    files = {file.name: file.read_bytes() for file in publish(exam, tmp_path / "it").iterdir()}
    arguments = ["eval", "mmlu", "-d", "someone/mmlu", "--shots", "0", "--subjects", "anatomy"]
    with hub("someone/mmlu", files) as address:
        environment = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hub")}
        first = run(*arguments, settings=environment)
    assert first.returncode == 0, first.stderr
    again = run(*arguments, settings=environment)
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr
    assert again.stderr.count("\n") == 1
    other = run(*arguments, "-d", "someone/else", settings=environment)
    assert other.returncode == 2
    assert "check the name and the network" in other.stderr
    assert other.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--data", "nowhere/at/all"], 2, "there is no such folder"),
        (["--data", "EXAM", "--subjects", "anatomy,alchemy"], 2, "no such subject"),
        (["--data", "EXAM", "-p", "harnes"], 2, "there are original, harness"),
        (["--data", "EXAM", "-m", "vicuna-13b"], 1, "assistant models pull vicuna-13b"),
        (["--data", "EXAM", "-m", "./nothing"], 1, "there is no folder ./nothing"),
        (["--data", "EXAM", "--adapter", "mine"], 1, "there is no adapter of that name"),
        (["--data", "EXAM", "--shots", "6"], 2, "less than or equal to 5"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    run: Run, exam: Path, arguments: list[str], code: int, said: str
) -> None:
    done = run("eval", "mmlu", *(str(exam) if one == "EXAM" else one for one in arguments))
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
