"""What is in a folder, and what can be done with its notes."""

from pathlib import Path

import pytest

from assistant_tui.notes.folder import (
    create_note,
    last_trashed,
    rename_note,
    restore_note,
    scan,
    title_of,
    trash_note,
)
from assistant_tui.notes.fuzzy import rank
from assistant_tui.notes.lists import Entered, entered
from assistant_tui.notes.note_file import NoteError
from assistant_tui.notes.search import SearchIndex
from assistant_tui.notes.words import count_words


def test_notes_and_folders_are_found_and_nothing_else(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "note.md").touch()
    (folder / "picture.png").touch()
    (folder / "empty").mkdir()
    (folder / "loop").symlink_to(folder)
    listing = scan(folder)
    assert listing.notes == ("ideas/today.md", "Reading.md")
    assert listing.folders == ("empty", "ideas")


def test_a_new_note_is_empty_and_never_replaces_another(folder: Path) -> None:
    assert create_note(folder, "deep/er/one").read_text() == ""
    assert (folder / "deep/er/one.md").exists()
    with pytest.raises(NoteError, match="already"):
        create_note(folder, "Reading")
    assert (folder / "Reading.md").read_text().startswith("# Reading")


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../../x", ".hidden", "\0", "//"])
def test_names_outside_the_folder_are_refused(folder: Path, name: str) -> None:
    with pytest.raises(NoteError):
        create_note(folder, name)


def test_renaming_keeps_the_other_note(folder: Path, today: Path) -> None:
    assert rename_note(folder, today, "old/then").read_text().startswith("# Today")
    with pytest.raises(NoteError, match="already"):
        rename_note(folder, folder / "old/then.md", "Reading.md")


def test_a_deleted_note_comes_back(folder: Path, today: Path) -> None:
    text = today.read_text()
    trash_note(folder / "Reading.md")
    trash_note(today)
    assert not today.exists()
    trashed = last_trashed()
    assert trashed is not None
    assert restore_note(trashed) == today
    assert today.read_text() == text
    trashed = last_trashed()
    assert trashed is not None
    (folder / "Reading.md").write_text("another")
    with pytest.raises(NoteError, match="again"):
        restore_note(trashed)
    assert trashed.place.read_text().startswith("# Reading")


def test_letters_of_a_name_find_it() -> None:
    notes = ["ideas/today.md", "ideas/tomorrow.md", "journal/2026/today.md"]
    assert rank("idtod", notes)[0][0] == "ideas/today.md"
    assert [note for note, _ in rank("tomo", notes)] == ["ideas/tomorrow.md"]
    assert rank("xyz", notes) == []
    assert len(rank("", notes)) == 3


def test_every_word_is_looked_for(folder: Path) -> None:
    (folder / "中文.md").write_text("今天天气很好。\n")
    index = SearchIndex(folder)
    index.refresh(scan(folder).notes)
    assert [(hit.note, hit.line) for hit in index.find("NOBODY knows")] == [("ideas/today.md", 4)]
    assert [hit.excerpt for hit in index.find("天气")] == ["今天天气很好。"]
    assert index.find('"knows nobody"') == []
    assert [hit.note for hit in index.find("reading book")] == ["Reading.md"]
    assert index.find("  ") == []


def test_a_search_knows_what_has_changed(folder: Path, today: Path) -> None:
    index = SearchIndex(folder)
    index.refresh(scan(folder).notes)
    today.write_text("Something entirely different\n")
    (folder / "Reading.md").unlink()
    index.refresh(scan(folder).notes)
    assert index.find("nobody") == index.find("book") == []
    assert [hit.note for hit in index.find("entirely")] == ["ideas/today.md"]


def test_words_are_counted_in_both_languages() -> None:
    assert count_words(["It isn't far.", "今天 good", ""]) == 6


def test_titles() -> None:
    assert title_of("a/b.md") == "b"
    assert title_of("a/b.txt") == "b.txt"


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("- one", Entered("- ")),
        ("  * one", Entered("  * ")),
        ("9. nine", Entered("10. ")),
        ("- [x] done", Entered("- [ ] ")),
        ("- ", Entered("", ends_list=True)),
        ("plain", None),
        ("-no item", None),
    ],
)
def test_enter_in_a_list(line: str, means: Entered | None) -> None:
    assert entered(line, len(line)) == means
