"""What is on the disk, and what is kept where it cannot be."""

import asyncio
from pathlib import Path

import pytest

from assistant_tui.notes.desk import Clash, Desk, Saved, Unsaved
from assistant_tui.notes.drafts import find_draft, keep_draft
from assistant_tui.notes.note_file import LARGEST_BYTES, NoteError, read_note


async def opened(path: Path) -> Desk:
    desk = Desk()
    desk.take((await desk.read(path)).note)
    return desk


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.md"
    path.write_bytes(b"one\r\ntwo\r\nthree\r\n")
    return path


async def test_what_is_saved_is_there_byte_by_byte(note: Path) -> None:
    note.chmod(0o600)
    desk = await opened(note)
    assert await desk.save("ONE\r\ntwo\x0c\n") == Saved("ONE\r\ntwo\x0c\n")
    assert note.read_bytes() == b"ONE\r\ntwo\x0c\n"
    assert note.stat().st_mode & 0o777 == 0o600


async def test_a_link_stays_a_link(note: Path) -> None:
    link = note.with_name("link.md")
    link.symlink_to(note)
    desk = await opened(link)
    await desk.save("new\n")
    assert link.is_symlink()
    assert note.read_text() == "new\n"


async def test_changes_of_two_programs_come_together(note: Path) -> None:
    desk = await opened(note)
    note.write_bytes(b"one\r\ntwo\r\nTHREE\r\n")
    both = "ONE\r\ntwo\r\nTHREE\r\n"
    assert await desk.save("ONE\r\ntwo\r\nthree\r\n") == Saved(both, merged=True)
    assert note.read_bytes() == both.encode()


async def test_changes_that_touch_leave_the_file_and_keep_a_draft(note: Path) -> None:
    desk = await opened(note)
    note.write_bytes(b"1\r\n")
    outcome = await desk.save("eins\r\n")
    assert isinstance(outcome, Clash)
    assert outcome.theirs.text == "1\r\n"
    assert note.read_bytes() == b"1\r\n"
    draft = find_draft(note)
    assert draft is not None
    assert draft.text == "eins\r\n"


async def test_two_saves_at_once_are_one_after_the_other(note: Path) -> None:
    desk = await opened(note)
    outcomes = await asyncio.gather(desk.save("first\n"), desk.save("first and second\n"))
    assert list(outcomes) == [Saved("first\n"), Saved("first and second\n")]
    assert note.read_text() == "first and second\n"


async def test_who_leaves_with_nothing_open_saves_nothing(note: Path) -> None:
    desk = await opened(note)
    desk.close()
    assert await desk.save("late\n") == Saved("late\n")
    assert note.read_bytes().startswith(b"one")


async def test_a_note_that_was_deleted_outside_is_written_again(note: Path) -> None:
    desk = await opened(note)
    note.unlink()
    assert await desk.save("still here\n") == Saved("still here\n")
    assert note.read_text() == "still here\n"


async def test_what_cannot_be_saved_is_restored_the_next_time(note: Path) -> None:
    desk = await opened(note)
    note.unlink()
    note.mkdir()  # nobody, not even root, can write there
    outcome = await desk.save("one\r\ntwo and more\r\nthree\r\n")
    assert isinstance(outcome, Unsaved)
    assert outcome.kept
    note.rmdir()
    note.write_bytes(b"one\r\ntwo\r\nthree\r\nfour\r\n")
    again = await desk.read(note)
    assert again.restored
    assert again.text == "one\r\ntwo and more\r\nthree\r\n" or "four" in again.text


async def test_what_was_saved_leaves_no_draft(note: Path) -> None:
    desk = await opened(note)
    keep_draft(note, "one\n", "draft\n")
    await desk.save("saved\n")
    assert find_draft(note) is None
    assert not (await desk.read(note)).restored


async def test_it_is_noticed_that_a_file_changed(note: Path) -> None:
    desk = await opened(note)
    assert await desk.look() is None
    note.write_text("other\n")
    theirs = await desk.look()
    assert theirs is not None
    assert theirs.text == "other\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a\0b", "binary"),
        (b"caf\xe9", "not UTF-8 text (byte 4)"),
        (b"x" * (LARGEST_BYTES + 1), "2.0 MB"),
    ],
)
def test_what_is_no_note_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "odd.md"
    path.write_bytes(content)
    with pytest.raises(NoteError) as refusal:
        read_note(path)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
