"""The record from the command line: to see, take away and delete."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.history import Attachment, Chat, Chats, Fate, History, Suggestion, Turn
from tests.cli.conftest import Run

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def shared_home(sealed_home: Path) -> Path:
    """A home of the test's own, where no server runs."""
    return sealed_home


@pytest.fixture
def rows(sealed_home: Path, tmp_path: Path) -> list[Suggestion]:
    """Three suggestions, the oldest first."""
    given = [
        Suggestion(
            "return 圆 🥧",
            "def f():\n    ",
            path=str(tmp_path / "a.py"),
            language="python",
            model="starter",
            time=NOON,
            fate=Fate("accepted", 10, similarity=1.0),
        ),
        Suggestion(
            "[bold]wörld[/bold]",
            "Hello ",
            path=str(tmp_path / "notes" / "b.md"),
            language="markdown",
            model="vicuna-13b",
            adapter="mine",
            time=NOON + timedelta(days=1),
            fate=Fate("rejected", replaced_by="there"),
        ),
        Suggestion("now", "", language="plaintext", model="starter"),
    ]
    history = History()
    for suggestion in given:
        history.add(suggestion)
    history.close()
    return given


def listed(run: Run, *options: str) -> list[str]:
    done = run("history", "list", "--json", *options)
    assert done.returncode == 0, done.stderr
    return [row["text"] for row in json.loads(done.stdout)]


def test_the_list_shows_the_newest_first(run: Run, rows: list[Suggestion]) -> None:
    done = run("history", "list")
    assert done.returncode == 0
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["id", "time", "file", "outcome", "text"]
    assert [line.split()[0] for line in lines] == [row.id[:8] for row in reversed(rows)]
    assert "[bold]wörld[/bold]" in lines[1]
    assert "(plaintext)" in lines[0]


def test_the_list_can_be_narrowed(run: Run, rows: list[Suggestion]) -> None:
    old, note, now = (row.text for row in rows)
    assert listed(run) == [now, note, old]
    assert listed(run, "--limit", "2") == [now, note]
    assert listed(run, "--since", "1h") == [now]
    assert listed(run, "--since", "2026-11-21T00:00:00+00:00") == [now, note]
    assert listed(run, "--outcome", "rejected") == [note]
    assert listed(run, "--language", "python") == [old]
    assert listed(run, "--path", "notes") == [note]
    assert listed(run, "--path", "a.py", "--outcome", "rejected") == []


def test_an_empty_list_is_said_and_makes_no_file(run: Run, sealed_home: Path) -> None:
    done = run("history", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no such suggestion" in done.stderr
    assert not list(sealed_home.rglob("history.sqlite*"))


def test_one_is_shown_by_the_begin_of_its_id(run: Run, rows: list[Suggestion]) -> None:
    shown = run("history", "show", rows[1].id[:10]).stdout
    for part in (rows[1].id, "vicuna-13b, adapter mine", "rejected", "[bold]wörld", "there"):
        assert part in shown
    fields = json.loads(run("history", "show", rows[0].id, "--json").stdout)
    assert (fields["text"], fields["kept"]) == ("return 圆 🥧", True)
    assert fields["accepted_characters"] == 10


def test_what_was_made_of_a_suggestion_is_shown(run: Run) -> None:
    history = History()
    changed = Suggestion("a + b", "return ", fate=Fate("accepted", 5, "a - b", 0.8))
    history.add(changed)
    history.close()
    shown = run("history", "show", changed.id).stdout
    assert "80% alike" in shown and shown.endswith("--- what you made of it\na - b\n")


def test_an_export_is_one_line_of_json_for_each(
    run: Run, rows: list[Suggestion], tmp_path: Path
) -> None:
    printed = run("history", "export").stdout
    read = [json.loads(line) for line in printed.splitlines()]
    assert [line["text"] for line in read] == [row.text for row in rows]
    done = run("history", "export", "--output", "out.jsonl")
    assert (done.stdout, done.returncode) == ("", 0)
    assert "3 suggestions in out.jsonl" in done.stderr
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == printed


def test_what_is_deleted_is_counted_and_gone(run: Run, rows: list[Suggestion]) -> None:
    done = run("history", "delete", rows[0].id[:8], "--yes")
    assert (done.returncode, done.stdout) == (0, "")
    assert "1 suggestion deleted" in done.stderr
    assert listed(run) == [rows[2].text, rows[1].text]
    assert "1 suggestion " in run("history", "delete", "--before", "1h", "--yes").stderr
    assert "1 suggestion " in run("history", "delete", "--all", "--yes").stderr
    assert listed(run) == []


def test_a_folder_is_deleted_with_all_below_it(
    run: Run, rows: list[Suggestion], tmp_path: Path
) -> None:
    done = run("history", "delete", "--path", str(tmp_path), "--yes")
    assert "2 suggestions deleted" in done.stderr


@pytest.mark.parametrize(("answer", "left"), [("n\n", 3), ("y\n", 0)])
def test_a_user_at_a_terminal_is_asked(rows: list[Suggestion], answer: str, left: int) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "assistant", "history", "delete", "--all"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        os.write(ours, answer.encode())
        _, said = process.communicate()
    os.close(ours)
    os.close(theirs)
    assert "Delete 3 suggestions" in said
    assert History().count() == left


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--outcome", "loved"], "accepted_part"),
        (["list", "--since", "yesterday"], "2026-11-24"),
        (["list", "--since", "99999999999w"], "2026-11-24"),
        (["show", "nobody"], "assistant history list"),
        (["show", ""], "assistant history list"),
        (["delete", "--yes"], "--all"),
        (["delete", "--all", "--path", ".", "--yes"], "--all"),
        (["delete", "--all"], "--yes"),
        (["delete", "nobody", "--yes"], "assistant history list"),
        (["export", "-o", "missing/out.jsonl"], "missing/out.jsonl"),
    ],
)
def test_the_user_is_told_what_to_do(
    run: Run, rows: list[Suggestion], arguments: list[str], said: str
) -> None:
    done = run("history", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(listed(run)) == 3


def test_a_damaged_record_is_named_and_the_next_command_works(run: Run, sealed_home: Path) -> None:
    (sealed_home / "data").mkdir()
    (sealed_home / "data" / "history.sqlite").write_bytes(b"no database" * 1000)
    done = run("history", "list")
    assert done.returncode == 1
    assert "history.sqlite.damaged-" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert run("history", "list").returncode == 0


@pytest.fixture
def chat(sealed_home: Path, tmp_path: Path) -> Chat:
    """A conversation of two branches, the first of which is shown."""
    chats = Chats()
    kept = Chat("Über 圆", "Be brief.", changed=NOON)
    question = Turn(
        "user", "Why?", attachments=(Attachment(str(tmp_path / "a.py"), "x = 1"),), time=NOON
    )
    good = Turn("assistant", "Because.", question.id, model="starter", thumb="up", time=NOON)
    chats.ask(kept, question)
    chats.answer(kept.id, good)
    chats.answer(kept.id, Turn("assistant", "No.", question.id, model="starter", time=NOON))
    chats.save(replace(kept, leaf=good.id))
    chats.close()
    return kept


def test_conversations_are_listed_by_words_and_shown(run: Run, chat: Chat) -> None:
    done = run("history", "chats", "über", "BECAUSE")
    assert chat.id[:8] in done.stdout
    assert "Über 圆" in done.stdout
    assert "no such conversation" in run("history", "chats", "elsewhere").stderr
    (row,) = json.loads(run("history", "chats", "--json").stdout)
    assert [turn["text"] for turn in row["turns"]] == ["Why?", "Because.", "No."]
    shown = run("history", "show", chat.id[:8]).stdout
    assert "Because." in shown and "a.py" in shown and "No." not in shown


def test_conversations_are_exported_as_data_imports_them(
    run: Run, chat: Chat, tmp_path: Path
) -> None:
    pytest.importorskip("datasets")
    file, data = tmp_path / "chats.jsonl", tmp_path / "data"
    done = run("history", "export", "--chats", "-o", str(file))
    assert "1 conversation in" in done.stderr
    done = run("data", "import", str(file), "-o", str(data))
    assert done.returncode == 0, done.stderr
    (line,) = (data / "data.jsonl").read_text().splitlines()
    assert "Because." in line and "x = 1" in line and "Be brief." in line


def test_conversations_are_deleted_with_everything_of_a_path(
    run: Run, chat: Chat, rows: list[Suggestion], tmp_path: Path
) -> None:
    done = run("history", "delete", "--path", str(tmp_path), "--yes")
    assert done.stderr == "2 suggestions and 1 conversation deleted\n"
    assert json.loads(run("history", "chats", "--json").stdout or "[]") == []
    assert listed(run) == ["now"]


def test_a_conversation_is_deleted_by_its_id_and_nothing_else(
    run: Run, chat: Chat, rows: list[Suggestion]
) -> None:
    done = run("history", "delete", chat.id[:10], "--yes")
    assert done.stderr == "0 suggestions and 1 conversation deleted\n"
    assert len(listed(run)) == len(rows)
