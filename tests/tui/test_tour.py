"""Through the whole app in a real terminal, with the starter behind it.

`ASSISTANT_TEST_PICTURES` names a folder that gets each step's screen: `make pictures` draws those
of the docs.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.paths import HOME_VARIABLE
from assistant.registry import adapter_named
from tests.eval.exams import write_exam
from tests.server.processes import end_recorded_server
from tests.tui.picture import draw
from tests.tui.terminal import Terminal, needs_tmux, terminal, until
from tests.tui.training_room import write_talks

pytestmark = [pytest.mark.e2e, needs_tmux]

LONG = 240.0
"""Seconds until a process has loaded what it needs, on a machine that is busy."""
TYPED = "The library have a function that reads teh file, and it is faster then the old one."
TWO_OF_THREE = TYPED.replace("have", "has").replace("teh", "the")
SUBJECTS = {"anatomy": 24, "astronomy": 16, "philosophy": 20}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures show short paths."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "assistant"))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "journal").mkdir(parents=True)
    (folder / "garden.md").write_text("# Garden\n\nThe tomatoes were planted in May.\n")
    (folder / "journal" / "monday.md").write_text("# Monday\n\nA walk by the river.\n")
    return folder


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """What the starter is trained on."""
    return write_talks(tmp_path / "talks.jsonl")


@pytest.fixture
def evaluated(talks: Path, tmp_path: Path) -> Iterator[None]:
    """An adapter of the starter, and the marks of both."""
    much = ("--learning-rate", "0.01")  # so that its answers are others
    size = ("--method", "lora", "--rank", "4", "--max-length", "64", "--max-steps", "30")
    command(
        "finetune", "--base", "starter", "--data", f"~/{talks.name}", "--name", "mine", *much, *size
    )
    exam = write_exam(tmp_path / "exam", SUBJECTS)
    for adapter in ((), ("--adapter", "mine")):
        command("eval", "mmlu", "--model", "starter", "--data", str(exam), *adapter)
    yield
    end_recorded_server()


def command(*arguments: str) -> None:
    called = [sys.executable, "-m", "assistant", *arguments]
    subprocess.run(called, check=True, capture_output=True, timeout=LONG)


class Tour:
    """A terminal, and how many pictures were taken of it."""

    def __init__(self, seen: Terminal) -> None:
        self.seen = seen
        self._count = 0
        folder = os.environ.get("ASSISTANT_TEST_PICTURES")
        self._folder = Path(folder) if folder else None

    def picture(self, name: str) -> None:
        self._count += 1
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._folder / f"{self._count:02}-{name}.svg"
            draw(file, self.seen.run("capture-pane", "-e", "-p"), "assistant tui")

    def fill(self, *lines: str) -> None:
        """Type into the lines of a form, from the one with the cursor on."""
        for line in lines:
            if line:
                self.seen.type(line)
            self.seen.press("Down")


def test_through_all_rooms(notes: Path, talks: Path, tmp_path: Path, evaluated: None) -> None:
    note = notes / "library.md"
    environment = {"TERM": "tmux-256color", "COLORTERM": "truecolor", "HOME": str(tmp_path)}
    environment |= {"COLUMNS": "110", "LINES": "32"}
    with terminal(notes, tmp_path / "tmux", environment=environment, size=(110, 32)) as seen:
        tour = Tour(seen)
        write(tour, note)
        polish(tour, note)
        chat(tour)
        train(tour, f"~/{talks.name}")
        compare(tour)
        seen.press("C-q")
    assert note.read_text().strip() == f"# Library\n\n{TYPED}"
    assert adapter_named("tour").is_for("starter")


def write(tour: Tour, note: Path) -> None:
    """Open a folder, and write a paragraph with three typos."""
    seen = tour.seen
    seen.until_seen("garden")
    seen.until_seen("● starter", LONG)
    tour.picture("folder")
    seen.press("C-n")
    seen.until_seen("New note")
    seen.type(note.stem)
    seen.press("Enter")
    seen.until_seen(note.name)
    seen.type("# Library")
    seen.press("Enter", "Enter")
    seen.type(TYPED)
    until(lambda: TYPED in note.read_text(), bool, "to the disk")
    seen.until_seen("saved")
    tour.picture("written")


def polish(tour: Tour, note: Path) -> None:
    """Have it polished, take two of three changes, and undo them in one step."""
    seen = tour.seen
    seen.press("C-r")
    seen.until_seen("3 changes", LONG)
    seen.until_seen("The library has")
    tour.picture("polished")
    seen.press("Right", "Right", "Space")
    seen.until_seen("2 taken")
    tour.picture("two-of-three")
    seen.press("Enter")
    until(lambda: TWO_OF_THREE in note.read_text(), bool, "to the disk")
    tour.picture("accepted")
    seen.press("C-z")
    until(lambda: TYPED in note.read_text(), bool, "to the disk")
    tour.picture("undone")


def chat(tour: Tour) -> None:
    """Ask, ask otherwise as another branch, and have an adapter answer."""
    seen = tour.seen
    seen.press("F4")
    seen.until_seen("Ask something")
    ask(tour, "The library have a function that reads teh file.")
    seen.until_seen("2 turns", LONG)
    answered(tour)
    seen.until_seen("reads the file")
    tour.picture("chat")
    seen.press("C-Up")
    seen.until_seen("+ Good")
    seen.press("Up")
    seen.until_seen("e Edit")
    seen.press("e")
    seen.until_seen("Send")
    seen.press("C-a")
    ask(tour, "The program keeps teh file open, and it is faster then before.")
    seen.until_seen("2 branches", LONG)
    answered(tour)
    seen.until_seen("keeps the file open")
    tour.picture("branch")
    seen.press("C-t")
    seen.until_seen("starter:mine")
    tour.picture("models-of-a-chat")
    seen.press("End", "Enter")
    seen.until_seen("starter:mine ─╯")
    seen.press("C-r")
    seen.until_seen("3 branches", LONG)
    answered(tour)
    seen.until_seen("starter:mine  ")
    tour.picture("adapter")


def ask(tour: Tour, text: str) -> None:
    """Ask for what the starter has learned, in the words that it has learned."""
    tour.seen.type("Polish:")
    tour.seen.press("C-j")
    tour.seen.type(text)
    tour.seen.press("Enter")


def answered(tour: Tour) -> None:
    """Wait for the end of an answer, until which its chat has a mark in the list."""
    until(lambda: tour.seen.screen, lambda screen: "● Polish" not in screen, "to an end", LONG)


def train(tour: Tour, talks: str) -> None:
    """See the plan of a run, begin it, and watch it to its end."""
    seen = tour.seen
    seen.press("F7")
    seen.until_seen("─ Runs ─")
    seen.press("C-n")
    seen.until_seen("by the epochs")  # of the form
    seen.press("Up")
    tour.fill("starter", talks, "tour", "", "lora", "64", "", "60", "4")
    seen.press("F5")
    seen.until_seen("fits into", LONG)
    tour.picture("plan")
    seen.press("C-s")
    seen.until_seen("tokens/s", LONG)
    until(lambda: seen.screen, lambda screen: "nothing measured" not in screen, "to a step", LONG)
    tour.picture("training")
    seen.until_seen("✓ trained", LONG)
    tour.picture("trained")


def compare(tour: Tour) -> None:
    """Look at two evaluations, and beside each other."""
    seen = tour.seen
    seen.press("F8")
    seen.until_seen("by score", LONG)
    seen.until_seen("astronomy", LONG)
    tour.picture("evaluation")
    seen.press("Down", "Space")
    seen.until_seen("Space at B compares")
    seen.press("Up", "Space")
    seen.until_seen("A and B")
    until(lambda: seen.screen, lambda screen: "Comparing" not in screen, "to an end", LONG)
    tour.picture("compared")
