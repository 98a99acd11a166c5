"""The commands with the model that comes with the project."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.lsp.scripted_model import ScriptedModel

NOTE = "# Teh title\n\nThe server keeps teh result in a cache.\n\n```\nteh code\n```\n"


def test_complete_prints_what_belongs_at_the_cursor(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import json\n\n\ndef save(path, rows):\n    with open(path\n")
    done = run("complete", "a.py:5", "--json")
    answer = json.loads(done.stdout)
    assert answer["model"] == "starter"
    assert answer["text"].strip()
    again = run("complete", "a.py:5")
    assert again.stdout == answer["text"] + "\n"


def test_complete_shows_what_it_sends(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "prices.py").write_text("def price_of(article): ...\n")
    (tmp_path / "main.py").write_text("from prices import price_of\n\nprint(price_of(")
    with ScriptedModel() as model:
        settings = {"ASSISTANT_SERVER_URL": model.url}
        done = run("complete", "main.py:3", "--show-context", settings=settings)
        assert "## 1. prices.py `price_of`" in done.stdout
        assert "def price_of(article):" in done.stdout
        answer = model.answers("1))")
        assert run("complete", "main.py:3", settings=settings).stdout == "1))\n"
    sent = answer.wait_asked()["prompt"]
    assert sent.startswith("# prices.py\n# def price_of(article):\nfrom prices")


def test_explain_streams_an_answer(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def double(x):\n    return 2 * x\n")
    done = run("explain", "a.py:1-2")
    assert done.returncode == 0
    assert len(done.stdout.split()) >= 2


def test_polish_changes_prose_alone(run: Run, tmp_path: Path) -> None:
    done = run("polish", "-", stdin=NOTE)
    assert done.returncode == 0
    assert done.stdout.startswith("# Teh title\n\nThe server keeps ")
    assert done.stdout.endswith("\n\n```\nteh code\n```\n")


def test_polish_writes_in_place_and_keeps_the_old_text(run: Run, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text(NOTE)
    note.chmod(0o640)
    done = run("polish", "note.md", "--write")
    assert done.returncode == 0
    assert note.read_text() != NOTE
    assert note.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "note.md~").read_text() == NOTE
    assert "note.md~" in done.stderr


def test_a_diff_for_a_program_is_a_unified_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text(NOTE)
    done = run("polish", "note.md", "--diff")
    assert "-The server keeps teh result in a cache.\n" in done.stdout
    assert (tmp_path / "note.md").read_text() == NOTE


def test_continue_keeps_every_word_that_was_there(run: Run) -> None:
    text = "The cache keeps the result of each request."
    done = run("continue", "-", stdin=text)
    assert done.stdout.startswith(text)
    assert len(done.stdout) > len(text) + 1


def test_chat_answers_one_question_or_a_dialogue(run: Run) -> None:
    assert run("chat", "Hello", "--max-tokens", "8").stdout.strip()
    dialogue = run("chat", "--max-tokens", "8", stdin="Hello\n\nAnd again\n")
    assert dialogue.returncode == 0
    assert len(dialogue.stdout.splitlines()) >= 2


def test_models_are_listed_with_what_is_here(run: Run) -> None:
    rows = {row["name"]: row for row in json.loads(run("models", "list", "--json").stdout)}
    assert rows["vicuna-13b"]["here"] == []
    assert rows["starter"]["here"]
    assert "starter" in run("models", "list", "--here").stdout


def test_doctor_finds_this_machine_healthy(run: Run) -> None:
    done = run("doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert findings["model"]["good"]
    assert "starter" in findings["model"]["detail"]


def test_doctor_fails_where_the_model_is_missing(run: Run) -> None:
    done = run("doctor", settings={"ASSISTANT_MODEL": "vicuna-13b"})
    assert done.returncode == 1
    assert "models pull vicuna-13b" in " ".join(done.stdout.split())
