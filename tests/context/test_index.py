"""The index: it follows the project, survives damage, and is nobody else's."""

import os
import stat
from pathlib import Path

from assistant.context.index import SymbolIndex, index_file
from assistant.context.indexer import Indexer
from tests.context.projects import finish, indexed, look, names, write


def test_it_follows_the_files(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def one(): ...\n")
    write(tmp_path, "b.py", "def two(): ...\n")
    index, indexer = indexed(tmp_path)
    assert names(index, tmp_path) == ["one", "two"]
    changed = write(tmp_path, "a.py", "def three(): ...\n")
    os.utime(changed, ns=(1, 1))
    (tmp_path / "b.py").unlink()
    write(tmp_path, "c.py", "def four(): ...\n")
    look(indexer)
    assert names(index, tmp_path) == ["four", "three"]


def test_what_is_unchanged_is_not_read_again(tmp_path: Path) -> None:
    file = write(tmp_path, "a.py", "def one(): ...\n")
    index, indexer = indexed(tmp_path)
    status = file.stat()
    file.write_text("def two(): ...\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    look(indexer)
    assert names(index, tmp_path) == ["one"], "it looks the same from outside"


def test_what_stands_in_the_editor_counts_until_it_is_closed(tmp_path: Path) -> None:
    file = write(tmp_path, "a.py", "def saved(): ...\n")
    index, indexer = indexed(tmp_path)
    indexer.take({"file": str(file), "text": "def unsaved(): ...\n"})
    look(indexer)
    assert names(index, tmp_path) == ["unsaved"]
    indexer.take({"closed": str(file)})
    assert names(index, tmp_path) == ["saved"]
    file.write_text("def newer(): ...\n")
    indexer.take({"file": str(file)})
    assert names(index, tmp_path) == ["newer"]


def test_two_projects_stay_apart(tmp_path: Path) -> None:
    write(tmp_path, "one/a.py", "def here(): ...\n")
    write(tmp_path, "two/a.py", "def there(): ...\n")
    one, two = tmp_path / "one", tmp_path / "two"
    index, indexer = indexed(one, two)
    assert (names(index, one), names(index, two)) == (["here"], ["there"])
    assert not index.named(["there"], [str(one)])
    indexer.take({"roots": [str(one)]})
    finish(indexer)
    assert names(index, two) == ["there"], "it may be opened again"
    (two / "a.py").unlink()
    two.rmdir()
    indexer.take({"roots": [str(one)]})
    assert names(index, two) == []


def test_a_project_inside_another_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def outer(): ...\n")
    write(tmp_path, "inner/a.py", "def inner(): ...\n")
    index, _ = indexed(tmp_path, tmp_path / "inner")
    assert names(index, tmp_path) == ["outer"]
    assert names(index, tmp_path / "inner") == ["inner"]


def test_secrets_and_ignored_files_are_not_taken_from_the_editor_either(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "made.py\n")
    index, indexer = indexed(tmp_path)
    for path in ("secrets.py", "made.py"):
        indexer.take({"file": str(tmp_path / path), "text": "def told(): ...\n"})
        write(tmp_path, path, "def told(): ...\n")
        indexer.take({"file": str(tmp_path / path)})
    assert names(index, tmp_path) == []


def test_a_project_may_say_no(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def open_to_all(): ...\n")
    write(tmp_path, "closed/b.py", "def mine(): ...\n")
    write(tmp_path, "closed/.assistant.toml", "context = false\n")
    index, indexer = indexed(tmp_path)
    assert names(index, tmp_path) == ["open_to_all"]
    saved = write(tmp_path, ".assistant.toml", "context = false\n")
    indexer.take({"file": str(saved)})
    finish(indexer)
    assert names(index, tmp_path) == [], "what was known is forgotten"


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def one(): ...\n")
    indexed(tmp_path)
    assert stat.S_IMODE(index_file().stat().st_mode) == 0o600


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def one(): ...\n")
    index, _ = indexed(tmp_path)
    index.close()
    index_file().write_bytes(b"this is no database" * 100)
    assert SymbolIndex().named(["one"], [str(tmp_path)]) == []
    index, _ = indexed(tmp_path)
    assert names(index, tmp_path) == ["one"]


def test_one_that_is_damaged_while_it_is_used_is_made_anew(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def one(): ...\n" * 500)
    index, indexer = indexed(tmp_path)
    data = bytearray(index_file().read_bytes())
    data[100:] = b"\xff" * (len(data) - 100)
    index.close()
    index_file().write_bytes(data)
    look(indexer)
    look(indexer)
    assert set(names(index, tmp_path)) == {"one"}


def test_one_of_another_version_is_made_anew(tmp_path: Path) -> None:
    import sqlite3

    write(tmp_path, "a.py", "def one(): ...\n")
    index_file().parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(index_file()) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    index, _ = indexed(tmp_path)
    assert names(index, tmp_path) == ["one"]


def test_without_a_place_to_write_there_is_nothing_known(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def one(): ...\n")
    file = tmp_path / "file"
    file.write_text("")
    index = SymbolIndex(file / "index.sqlite")
    indexer = Indexer(index)
    indexer.take({"roots": [str(tmp_path)]})
    finish(indexer)
    assert index.named(["one"], [str(tmp_path)]) == []


def test_a_new_file_that_is_not_saved_is_not_forgotten(tmp_path: Path) -> None:
    index, indexer = indexed(tmp_path)
    indexer.take({"file": str(tmp_path / "new.py"), "text": "def new(): ...\n"})
    look(indexer)
    assert names(index, tmp_path) == ["new"]
    indexer.take({"closed": str(tmp_path / "new.py")})
    assert names(index, tmp_path) == []
