"""Data from the command line: in, to look at, parted, counted, made private."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.data_hub import NAME, data_hub


def talk(question: str, answer: str) -> dict[str, Any]:
    return {"instruction": question, "input": "", "output": answer}


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    records = [talk(f"What is {n} + {n}?", f"{2 * n}, says joe@acme.io") for n in range(30)]
    lines = [json.dumps(record) for record in records]
    lines[4] = '{"instruction": "half'
    (tmp_path / "chats.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_import_split_stats(run: Run, chats: Path) -> None:
    done = run("data", "import", "chats.jsonl", "--output", "mine", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["examples"] == 29
    assert "refused chats.jsonl:5: not JSON: unterminated string" in done.stderr
    assert "replaced EMAIL: 29" in done.stderr
    assert "29 examples in mine" in done.stderr
    assert "Traceback" not in done.stderr

    done = run("data", "split", "mine", "--held-out", "0.3", "--json")
    assert done.returncode == 0, done.stderr
    sides = json.loads(done.stdout)
    assert sides["train"] + sides["held_out"] == 29

    done = run("data", "stats", "mine/data.jsonl", "--base", "starter", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["examples"] == {"chat": 29}
    assert found["samples"] == 29
    assert 0 < found["learned_share"] < 1


def test_show_marks_what_is_learned(run: Run, chats: Path) -> None:
    done = run("data", "show", "chats.jsonl", "--number", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == (
        "<|bos|><|user|>What is 2 + 2?<|end|><|assistant|>⟦4, says joe@acme.io<|end|>⟧"
    )
    assert "chats.jsonl:3:" in done.stderr
    done = run("data", "show", "chats.jsonl", "--number", "3", "--learn", "all", "--json")
    shown = json.loads(done.stdout)
    assert all(token["learned"] for token in shown["tokens"])
    assert "".join(token["text"] for token in shown["tokens"]).startswith("<|bos|><|user|>What")


def test_show_names_a_number_that_is_too_high(run: Run, chats: Path) -> None:
    done = run("data", "show", "chats.jsonl", "--number", "99")
    assert done.returncode == 2
    assert "there is no sample 99" in done.stderr


def test_scrub(run: Run, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Write to joe@acme.io or call 650-253-0000.\n")
    done = run("data", "scrub", "note.txt", "--output", "clean.txt", "--region", "us")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "clean.txt").read_text() == "Write to <EMAIL_1> or call <PHONE_1>.\n"
    assert "replaced EMAIL: 1" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["import", "nothing.json", "-o", "x"], 1, "there is no such file or folder"),
        (["import", "chats.jsonl", "-o", "."], 2, "is there already"),
        (["import", "chats.jsonl", "-o", "x", "--kind", "parrot"], 2, "sharegpt"),
        (["import", "chats.jsonl", "-o", "x", "--kind", "oasst"], 1, "nothing can be learned"),
        (["import", "chats.jsonl", "-o", "x", "--region", "Atlantis"], 2, "is no country"),
        (["import", "chats.jsonl", "-o", "x", "--language", "English"], 2, "such as en"),
        (["import", "history", "-o", "x"], 1, "nothing can be learned from this"),
        (["show", "chats.jsonl", "--base", "vicuna-13c"], 1, "vicuna-13b"),
        (["split", "."], 2, "assistant data import"),
        (["scrub", "chats.jsonl", "-o", "chats.jsonl"], 2, "is there already"),
        (["scrub", "no.txt", "-o", "y"], 1, "no.txt: No such file"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(
    run: Run, chats: Path, arguments: list[str], code: int, said: str
) -> None:
    done = run("data", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_data_set_of_the_hub(run: Run, chats: Path) -> None:
    data = "".join(json.dumps(talk(f"What is {n}?", f"{n}.")) + "\n" for n in range(5)).encode()
    with data_hub(data) as address:
        environment = {"HF_ENDPOINT": address, "HF_HOME": str(chats / "hub")}
        done = run("data", "import", NAME, "-o", "hubs", settings=environment)
        assert done.returncode == 0, done.stderr
        rows = (chats / "hubs" / "data.jsonl").read_text().splitlines()
        assert json.loads(rows[4])["origin"] == {"source": NAME, "line": 5}
        done = run("data", "stats", f"{NAME}:evening", settings=environment)
    assert done.returncode == 1
    assert "evening" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_hub_without_a_network(run: Run, tmp_path: Path) -> None:
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hub")}
    done = run("data", "stats", NAME, settings=environment)
    assert done.returncode == 1
    assert "check the name and the network" in done.stderr
    assert done.stderr.count("\n") == 1
