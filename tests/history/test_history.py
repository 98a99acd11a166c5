"""The record keeps what it was given, whatever happens to the process, the disk or the file."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.history import Choice, DamagedHistoryError, Fate, History, HistoryError, Suggestion
from assistant.history.export import as_fields, lines, write

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

WRITER = """
import sys
from pathlib import Path
from assistant.history import History, Suggestion
history = History(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    suggestion = Suggestion(f"{sys.argv[2]} {number}", "x = " * 500)
    history.add(suggestion)
    print(suggestion.id, flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


@pytest.fixture
def history(file: Path) -> History:
    return History(file)


def writer(file: Path, name: str, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(file), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_everything_given_is_given_back(history: History) -> None:
    suggestion = Suggestion(
        "return 圆周率 🥧",
        "x = 1\n" * 200 + "def 面积(r):\n    ",
        "\n# 结束 👋\n",
        path="/笔记/a.py",
        workspace="/笔记",
        language="python",
        model="starter",
        adapter="mine",
        kind="completion",
    )
    history.add(suggestion)
    assert history.find() == [suggestion]
    fate = Fate("rejected", 0, "return 3 🙂", None)
    assert history.settle(suggestion.id, fate)
    assert [found.fate for found in history.find()] == [fate]


@given(st.text(st.characters(exclude_categories=()), max_size=30), st.text(max_size=2000))
def test_any_text_can_be_recorded(tmp_path_factory: object, text: str, prefix: str) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    history = History(tmp_path_factory.mktemp("any") / "history.sqlite")
    history.add(Suggestion(text, prefix, prefix[::-1]))
    (found,) = history.find()
    history.close()
    assert found.text == text.encode("utf-8", "replace").decode()
    assert (found.prefix, found.suffix) == (prefix, prefix[::-1])


def test_what_is_not_there_cannot_be_settled(history: History) -> None:
    assert not history.settle("nobody", Fate("accepted"))


def test_looking_makes_no_file(history: History, file: Path) -> None:
    assert history.find() == []
    assert history.count() == 0
    assert history.delete(Choice()) == 0
    assert not file.exists()


def test_only_the_owner_can_read_it(history: History, file: Path) -> None:
    history.add(Suggestion("text", "prefix"))
    modes = {path.name: path.stat().st_mode & 0o077 for path in file.parent.iterdir()}
    assert {"history.sqlite", "history.sqlite-wal", "history.sqlite-shm"} <= set(modes)
    assert not any(modes.values())


def test_suggestions_are_found_by_what_is_known_of_them(history: History) -> None:
    old = Suggestion("old", "", path="/a/b.py", language="python", time=NOON - timedelta(days=2))
    new = Suggestion("new", "", path="/a/c/d.md", language="markdown", time=NOON)
    beside = Suggestion("beside", "", path="/a/cc.md", time=NOON, fate=Fate("accepted"))
    for suggestion in (old, new, beside):
        history.add(suggestion)

    def found(choice: Choice) -> list[str]:
        assert history.count(choice) == len(history.find(choice))
        return [suggestion.text for suggestion in history.export(choice)]

    assert found(Choice()) == ["old", "new", "beside"]
    assert found(Choice(since=NOON)) == ["new", "beside"]
    assert found(Choice(before=NOON)) == ["old"]
    assert found(Choice(path=Path("/a/c"))) == ["new"]
    assert found(Choice(path=Path("/a/b.py"))) == ["old"]
    assert found(Choice(path=Path("/"))) == ["old", "new", "beside"]
    assert found(Choice(outcome="accepted")) == ["beside"]
    assert found(Choice(language="python", since=NOON)) == []
    assert found(Choice(ids=(old.id, new.id))) == ["old", "new"]
    assert [suggestion.text for suggestion in history.find(limit=1)] == ["beside"]
    assert history.matching(old.id[:12]) == [old.id]


def test_what_is_typed_behind_the_same_text_takes_little_room(history: History, file: Path) -> None:
    long = "".join(f"line_{number} = {number}\n" for number in range(1000))
    for number in range(100):
        history.add(Suggestion("text", long + "x" * number, long))
    history.close()
    assert file.stat().st_size < 20 * len(long)


def test_what_was_deleted_is_in_no_file(history: History, file: Path) -> None:
    shared = "def shared():\n" * 100
    keep = Suggestion("keep", shared + "keep", shared)
    history.add(keep)
    for _ in range(20):
        gone = Suggestion("secret-text", shared + "secret-prefix", "secret-suffix", path="/gone")
        history.add(gone)
        history.settle(gone.id, Fate("rejected", 0, "secret-instead"))
    assert history.delete(Choice(path=Path("/gone"))) == 20
    assert history.find() == [keep]
    for path in file.parent.iterdir():
        assert b"secret" not in path.read_bytes()


def test_deleting_everything_leaves_nothing(history: History, file: Path) -> None:
    for number in range(50):
        history.add(Suggestion(f"secret {number}", f"secret {number}" * 500))
    full = file.stat().st_size
    assert history.delete(Choice()) == 50
    assert file.stat().st_size < max(full, 100_000)
    assert not any(b"secret" in path.read_bytes() for path in file.parent.iterdir())


def test_an_open_reader_of_another_program_does_not_hide_that_old_text_is_left(
    history: History, file: Path
) -> None:
    history.add(Suggestion("secret", ""))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM suggestions").fetchall()
    history._opened().execute("PRAGMA busy_timeout = 50")
    with pytest.raises(HistoryError, match="close your editors"):
        history.delete(Choice())
    other.close()
    assert history.delete(Choice()) == 0
    assert not any(b"secret" in path.read_bytes() for path in file.parent.iterdir())


def test_two_processes_write_at_once(history: History, file: Path) -> None:
    both = [writer(file, name, 40) for name in ("one", "two")]
    ids = {key for process in both for key in process.communicate()[0].split()}
    assert [process.returncode for process in both] == [0, 0]
    assert {suggestion.id for suggestion in history.find()} == ids
    assert len(ids) == 80


def test_what_was_said_to_be_written_outlives_a_killed_process(
    history: History, file: Path
) -> None:
    for _ in range(3):
        process = writer(file, "killed", 100_000)
        assert process.stdout is not None
        ids = [process.stdout.readline().strip() for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        ids += [line for line in rest.split("\n")[:-1] if line]
        found = {suggestion.id for suggestion in history.find()}
        assert found.issuperset(ids)
    assert history._opened().execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.parametrize("place", [0, 4096])
def test_a_damaged_file_is_moved_aside_and_named(history: History, file: Path, place: int) -> None:
    for number in range(50):
        history.add(Suggestion(f"text {number}", "prefix " * 300))
    history.close()
    damaged = bytearray(file.read_bytes())
    damaged[place:] = b"\xa5" * (len(damaged) - place)
    file.write_bytes(damaged)
    with pytest.raises(DamagedHistoryError) as raised:
        history.find()
    (aside,) = file.parent.glob("history.sqlite.damaged-*")
    assert str(aside) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert aside.read_bytes() == damaged
    new = Suggestion("new", "")
    history.add(new)
    assert history.find() == [new]


def test_another_process_that_still_had_it_open_writes_into_the_new_one(
    history: History, file: Path
) -> None:
    history.add(Suggestion("old", ""))
    os.replace(file, file.with_name("away"))
    new = Suggestion("new", "")
    history.add(new)
    assert History(file).find() == [new]


def test_a_process_that_had_a_damaged_file_open_goes_on_with_the_new_one(
    history: History, file: Path
) -> None:
    other = History(file)
    other.add(Suggestion("old", ""))
    file.write_bytes(b"no database" * 1000)
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink()
    with pytest.raises(DamagedHistoryError):
        history.add(Suggestion("lost", ""))
    new = Suggestion("new", "")
    other.add(new)
    assert history.find() == [new]


def test_a_file_of_a_newer_version_is_left_alone(history: History, file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(HistoryError, match="newer version"):
        history.add(Suggestion("text", ""))
    assert list(file.parent.glob("*damaged*")) == []


def test_a_full_disk_is_named_and_the_old_rows_stay(history: History) -> None:
    old = Suggestion("old", "")
    history.add(old)
    connection = history._opened()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(HistoryError, match="make room") as raised:
        history.add(Suggestion("new", "x" * 100_000))
    assert "\n" not in str(raised.value)
    assert history.find() == [old]


def test_a_disk_that_takes_no_more_is_an_error_of_one_line(file: Path) -> None:
    history = History(file)
    old = Suggestion("old", "")
    history.add(old)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(HistoryError) as raised:
            history.add(Suggestion("new", "x" * 1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert history.find() == [old]


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    history = History(tmp_path / "folder" / "history.sqlite")
    with pytest.raises(HistoryError, match="folder"):
        history.add(Suggestion("text", ""))


def test_an_export_reads_back_as_it_was(history: History, tmp_path: Path) -> None:
    given = [
        Suggestion(
            "圆\u2028周率 🥧", "前\r\n缀", "后缀 👩‍👩‍👧", fate=Fate("accepted", 3, None, 0.5)
        ),
        Suggestion("plain", "x = "),
    ]
    for suggestion in given:
        history.add(suggestion)
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    assert write(lines(history.export()), target) == 2
    assert target.stat().st_mode & 0o777 == 0o600
    text = target.read_bytes().decode()
    assert text == "".join(lines(given))
    read = [json.loads(line) for line in text.split("\n")[:-1]]
    assert read == [as_fields(suggestion) for suggestion in given]
    assert (read[0]["text"], read[0]["similarity"], read[0]["kept"]) == (given[0].text, 0.5, False)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
