"""What happens in the editor is in the record, in order, however the disk does."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import pytest

from assistant.completion.record import LOOK_SECONDS, Origin, Recorder
from assistant.edit import Edit
from assistant.history import Fate, History, Suggestion
from assistant.messages import CompletionRequest

URI = "file:///project/a.py"
TEXT = "x = \ny = 2\n"
REQUEST = CompletionRequest("x = ", "\ny = 2\n", "python", "/project/a.py")


@dataclass(frozen=True)
class Document:
    uri: str
    language: str
    path: str
    text: str


@dataclass
class HandTimer:
    due: float
    work: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class HandLoop:
    """A loop whose clock goes on when the test says so."""

    now: float = 0.0
    timers: list[HandTimer] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> HandTimer:
        timer = HandTimer(self.now + delay, callback)
        self.timers.append(timer)
        return timer

    def call_soon_threadsafe(self, callback: Callable[[], object], /) -> None:
        callback()

    def go(self, seconds: float) -> None:
        self.now += seconds
        for timer in [timer for timer in self.timers if timer.due <= self.now]:
            self.timers.remove(timer)
            if not timer.cancelled:
                timer.work()


class Desk:
    """An open document and the recorder behind it."""

    def __init__(self, file: Path, enabled: Callable[[str], bool] = lambda path: True) -> None:
        self.history = History(file)
        self.loop = HandLoop()
        self.troubles: list[str] = []
        self.outcomes: list[str] = []
        self.recorder = Recorder(
            History(file),
            enabled=enabled,
            on_trouble=self.troubles.append,
            on_outcome=lambda _, outcome: self.outcomes.append(outcome),
            workspace=lambda path: str(PurePath(path).parent),
            loop=lambda: self.loop,
        )
        self.document = document(TEXT)

    def show(self, text: str, offset: int = 4) -> None:
        self.recorder.shown(self.document, offset, text, REQUEST, Origin("starter", "mine"))

    def edit(self, start: int, end: int, text: str) -> None:
        whole = self.document.text
        self.document = document(whole[:start] + text + whole[end:])
        self.recorder.changed(URI, [Edit(start, end, text)])

    def end(self) -> list[Suggestion]:
        """What was recorded, the oldest first."""
        self.recorder.close()
        return list(self.history.export())


def document(text: str, uri: str = URI) -> Document:
    return Document(uri, "python", uri.removeprefix("file://"), text)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "history.sqlite")
    yield desk
    desk.recorder.close()
    desk.history.close()


def test_a_suggestion_is_recorded_with_where_it_came_from(desk: Desk) -> None:
    desk.show("1")
    (row,) = desk.end()
    assert (row.text, row.prefix, row.suffix) == ("1", "x = ", "\ny = 2\n")
    assert (row.path, row.workspace, row.language) == ("/project/a.py", "/project", "python")
    assert (row.model, row.adapter, row.kind) == ("starter", "mine", "completion")
    assert row.fate == Fate()


def test_it_is_told_and_written_what_became_of_it(desk: Desk) -> None:
    desk.show("y + 1")
    desk.edit(4, 4, "y + 1")
    assert desk.outcomes == ["accepted"]
    (row,) = desk.end()
    assert row.fate == Fate("accepted", 5, similarity=1.0)


def test_after_five_minutes_it_is_known_what_is_left(desk: Desk) -> None:
    desk.show("y + 1")
    desk.edit(4, 4, "y + 1")
    desk.loop.go(LOOK_SECONDS - 1)
    desk.edit(8, 9, "2")
    desk.loop.go(1)
    desk.edit(4, 9, "")
    (row,) = desk.end()
    assert row.fate.outcome == "accepted"
    assert row.fate.similarity == pytest.approx(0.8)
    assert row.fate.kept is False
    assert row.fate.replaced_by == "y + 2", "as it stood then, not as it was taken out later"


def test_of_what_was_taken_out_altogether_nothing_is_kept(desk: Desk) -> None:
    desk.show("y + 1")
    desk.edit(4, 4, "y + 1")
    desk.loop.go(LOOK_SECONDS - 1)
    desk.edit(4, 9, "")
    (row,) = desk.end()
    assert row.fate == Fate("accepted", 5, similarity=0.0)


def test_what_was_written_instead_is_recorded_when_the_file_is_closed(desk: Desk) -> None:
    desk.show("y + 1")
    desk.edit(4, 4, "z")
    desk.edit(5, 5, "()")
    desk.recorder.closed(URI)
    (row,) = desk.end()
    assert row.fate == Fate("rejected", replaced_by="z()")


def test_typing_along_is_one_suggestion(desk: Desk) -> None:
    desk.show("yes")
    desk.edit(4, 4, "y")
    desk.show("es", 5)
    desk.edit(5, 5, "es")
    rows = desk.end()
    assert [(row.text, row.fate.outcome) for row in rows] == [("yes", "accepted")]


def test_another_suggestion_at_the_place_is_one_of_its_own(desk: Desk) -> None:
    desk.show("yes")
    desk.show("no")
    desk.edit(4, 4, "no")
    rows = desk.end()
    assert [(row.text, row.fate.outcome) for row in rows] == [
        ("yes", "rejected"),
        ("no", "accepted"),
    ]
    assert rows[0].fate.replaced_by == "no"


def test_the_editor_may_say_that_it_was_accepted(desk: Desk) -> None:
    desk.show("y")
    desk.edit(4, 4, "y")
    desk.recorder.accepted(URI)
    (row,) = desk.end()
    assert row.fate == Fate("accepted", 1, similarity=1.0)


POLISH = Origin("starter", "mine", "polish")


def test_what_an_action_wrote_may_be_undone(desk: Desk) -> None:
    desk.document = document("Bad words.\n")
    desk.recorder.offered(desk.document, Edit(0, 10, "Better words."), POLISH)
    desk.edit(0, 3, "Better")  # some editors send what differs
    desk.edit(0, 13, "Bad words.")
    (row,) = desk.end()
    assert (row.kind, row.prefix, row.text) == ("polish", "Bad words.", "Better words.")
    assert (row.workspace, row.adapter) == ("/project", "mine")
    assert row.fate == Fate("undone", replaced_by="Bad words.")


def test_what_was_made_of_an_actions_text_is_recorded(desk: Desk) -> None:
    desk.document = document("Bad words.\n")
    desk.recorder.offered(desk.document, Edit(0, 10, "Better words."), POLISH)
    desk.edit(0, 10, "Better words.")
    desk.edit(0, 6, "Good")
    (row,) = desk.end()
    assert (row.fate.outcome, row.fate.kept) == ("accepted", False)
    assert row.fate.replaced_by == "Good words."


def test_what_an_action_added_is_recorded_behind_what_it_goes_on_from(desk: Desk) -> None:
    desk.document = document("# add\n")
    desk.recorder.offered(desk.document, Edit(6, 6, "return a + b\n"), POLISH)
    desk.edit(6, 6, "return a + b\n")
    desk.edit(0, 0, "\n")
    (row,) = desk.end()
    assert row.prefix == "# add\n"
    assert row.fate.kept is True


def test_an_edit_that_was_refused_is_recorded_with_what_the_user_kept(desk: Desk) -> None:
    desk.document = document("Bad words.\nMore.\n")
    refused = desk.recorder.offered(desk.document, Edit(0, 10, "Better words."), POLISH)
    desk.recorder.answered(URI, [refused], applied=False)
    desk.edit(0, 3, "Good")
    (row,) = desk.end()
    assert row.fate == Fate("rejected", replaced_by="Good words.")


def test_an_edit_that_never_came_was_refused_whatever_the_editor_says(desk: Desk) -> None:
    desk.document = document("Bad words.\n")
    offered = desk.recorder.offered(desk.document, Edit(0, 10, "Better words."), POLISH)
    desk.recorder.answered(URI, [offered], applied=True)
    (row,) = desk.end()
    assert row.fate == Fate("rejected", replaced_by="Bad words.")


def test_edits_of_one_action_are_followed_each_at_its_place(desk: Desk) -> None:
    desk.document = document("Teh one.\n\nTeh two.\n")
    edits = [Edit(0, 8, "The first one."), Edit(10, 18, "The second one.")]
    offered = [desk.recorder.offered(desk.document, edit, POLISH) for edit in edits]
    for edit in reversed(edits):
        desk.edit(edit.start, edit.end, edit.text)
    desk.recorder.answered(URI, offered, applied=True)
    desk.edit(26, 26, "very ")
    first, second = desk.end()
    assert first.fate == Fate("accepted", 14, similarity=1.0)
    assert second.fate.outcome == "accepted" and second.fate.kept is False


def test_of_a_document_that_is_not_open_the_answer_is_all_there_is_to_know(desk: Desk) -> None:
    other = document("", "file:///project/test_a.py")
    offered = desk.recorder.offered(other, Edit(0, 0, "def test_a(): ...\n"), POLISH)
    desk.recorder.answered(other.uri, [offered], applied=True, seen=False)
    (row,) = desk.end()
    assert row.fate == Fate("accepted", len("def test_a(): ...\n"))


def test_actions_say_nothing_of_whether_suggestions_are_welcome(desk: Desk) -> None:
    desk.document = document("Bad words.\n")
    offered = desk.recorder.offered(desk.document, Edit(0, 10, "Better words."), POLISH)
    desk.recorder.answered(URI, [offered], applied=False)
    desk.end()
    assert desk.outcomes == []


def test_nothing_is_recorded_where_the_user_does_not_want_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "history.sqlite", enabled=lambda path: not path.endswith("a.py"))
    desk.show("y + 1")
    desk.edit(4, 4, "y + 1")
    desk.document = document(TEXT, "file:///project/b.py")
    desk.show("3")
    assert [row.path for row in desk.end()] == ["/project/b.py"]


def test_a_crowd_of_suggestions_makes_room_and_keeps_those_that_were_taken(desk: Desk) -> None:
    desk.show("accept me")
    desk.edit(4, 4, "accept me")
    for number in range(250):
        desk.show(f"{number} is not taken", 0)
    desk.edit(4, 13, "")
    rows = desk.end()
    assert len(rows) == 251
    assert rows[0].fate.outcome == "undone"


def test_a_disk_that_cannot_be_written_is_told_once_and_disturbs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    desk = Desk(tmp_path / "file" / "history.sqlite")
    desk.show("y + 1")
    desk.edit(4, 4, "y + 1")
    desk.recorder.close()
    (trouble,) = desk.troubles
    assert str(tmp_path / "file") in trouble


def test_a_damaged_record_is_moved_aside_and_nothing_is_lost_of_the_new(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    file.write_bytes(b"no database" * 1000)
    desk = Desk(file)
    desk.show("y + 1")
    (row,) = desk.end()
    assert row.text == "y + 1"
    (trouble,) = desk.troubles
    (aside,) = tmp_path.glob("history.sqlite.damaged-*")
    assert str(aside) in trouble
    assert aside.read_bytes() == b"no database" * 1000


def test_writers_wait_for_each_other(desk: Desk) -> None:
    desk.history.add(Suggestion("first", ""))
    other = sqlite3.connect(desk.history.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    desk.show("y + 1")
    desk.edit(4, 4, "y + 1")
    other.execute("COMMIT")
    other.close()
    assert [row.text for row in desk.end()] == ["first", "y + 1"]


def test_what_is_shown_again_is_the_newest_again(desk: Desk) -> None:
    desk.show("y")
    desk.show("z")
    desk.show("y")
    desk.recorder.accepted(URI)
    desk.edit(4, 4, "y")
    rows = desk.end()
    assert [(row.text, row.fate.outcome) for row in rows] == [("y", "accepted"), ("z", "rejected")]


def test_an_end_without_a_goodbye_loses_nothing(tmp_path: Path) -> None:
    program = """if True:
        import asyncio
        from tests.completion.test_record import REQUEST, TEXT, document
        from assistant.completion.record import Origin, Recorder

        async def main():
            recorder = Recorder.of_user(on_trouble=print)
            for number in range(20):
                recorder.shown(document(TEXT), 4, str(number), REQUEST, Origin("starter"))

        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert [row.text for row in History().export()] == [str(number) for number in range(20)]


async def test_it_works_in_an_event_loop(tmp_path: Path) -> None:
    told: list[str] = []
    recorder = Recorder.of_user(on_trouble=told.append)
    recorder.shown(document(TEXT), 4, "3", REQUEST, Origin("starter"))
    recorder.close()
    assert [row.text for row in History().find()] == ["3"]
    assert not told


def also(desk: Desk, *texts: str) -> None:
    desk.recorder.also_shown(desk.document, 4, texts, REQUEST, Origin("starter"))


def test_of_several_that_were_shown_the_one_that_was_taken_counts(desk: Desk) -> None:
    desk.show("y + 1")
    also(desk, "y", "y + 1 + z", "len(y)")
    desk.edit(4, 4, "y + 1 + z")
    desk.recorder.accepted(URI, number=2)
    assert desk.outcomes == ["accepted"], "what was not chosen was not unwelcome"
    rows = {row.text: row.fate for row in desk.end()}
    assert rows["y + 1 + z"].outcome == "accepted"
    assert {rows[text].outcome for text in ("y + 1", "y", "len(y)")} == {"rejected"}
    assert rows["len(y)"].replaced_by == "y + 1 + z"


def test_the_editor_says_which_of_several_it_was_before_it_writes_it(desk: Desk) -> None:
    desk.show("y + 1")
    also(desk, "z\n    w")
    desk.recorder.accepted(URI, number=1)
    desk.edit(4, 4, "z\n  w")
    rows = {row.text: row.fate.outcome for row in desk.end()}
    assert rows == {"y + 1": "rejected", "z\n    w": "accepted"}


def test_several_that_are_refused_are_refused_once(desk: Desk) -> None:
    desk.show("y + 1")
    also(desk, "y", "len(y)")
    desk.edit(4, 4, "q")
    assert desk.outcomes == ["rejected"]
    assert {row.fate.outcome for row in desk.end()} == {"rejected"}


def test_asking_for_several_again_records_each_once(desk: Desk) -> None:
    desk.show("y + 1")
    also(desk, "len(y)")
    desk.show("y + 1")
    also(desk, "len(y)", "z")
    assert sorted(row.text for row in desk.end()) == ["len(y)", "y + 1", "z"]
