"""The app in a real terminal: killed in the middle of typing, in sixteen colours, very small."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.lsp.scripted_model import ScriptedModel
from tests.tui.terminal import Terminal, needs_tmux, terminal, until

pytestmark = [pytest.mark.e2e, needs_tmux]

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here")

LETTERS_A_SECOND = 100
WORDS = "every single word of this is worth keeping "


@pytest.fixture
def environment(model: ScriptedModel) -> dict[str, str]:
    return {"ASSISTANT_SERVER_URL": model.url, "TERM": "screen-256color"}


def opened(seen: Terminal) -> None:
    """Open the note of the tests."""
    seen.until_seen("Reading")
    seen.press("C-o")
    seen.until_seen("Open a note")
    seen.type("idtod")
    seen.press("Enter")
    seen.until_seen("ideas/today.md")


def until_holds(file: Path, text: str) -> None:
    """Wait until a text is in a file."""
    until(file.read_text, lambda found: text in found, f"to {text!r} in {file.name}")


def test_kill_9_loses_at_most_the_last_second(
    folder: Path, today: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    with terminal(folder, tmp_path / "tmux", environment=environment) as seen:
        opened(seen)
        seen.press("C-End")
        typed: list[tuple[float, str]] = []
        so_far = ""
        begin = time.monotonic()
        while time.monotonic() - begin < 3:
            for letter in WORDS:
                seen.type(letter)
                so_far += letter
                # Ten times as fast as people type; tmux could do more than a slow machine can.
                time.sleep(max(0.0, begin + len(so_far) / LETTERS_A_SECOND - time.monotonic()))
                typed.append((time.monotonic(), so_far))
        seen.kill()
        killed = time.monotonic()
    kept = today.read_text().partition("knows.\n")[2]
    due = [text for when, text in typed if when < killed - 1]
    assert due
    assert so_far.startswith(kept)
    assert len(kept) >= len(due[-1])


def test_kill_9_after_accepting_keeps_what_was_accepted(
    folder: Path, today: Path, tmp_path: Path, environment: dict[str, str], model: ScriptedModel
) -> None:
    model.answers("The meeting is tomorrow.")
    with terminal(folder, tmp_path / "tmux", environment=environment) as seen:
        opened(seen)
        seen.press("Down", "Down", "C-r")
        seen.until_seen("2 changes")
        seen.press("Enter")
        seen.until_seen("saved")
        seen.kill()
    assert "The meeting is tomorrow." in today.read_text()


@pytest.mark.parametrize("term", ["xterm", "screen-256color"])
def test_a_note_is_polished_and_the_app_left_in_order(
    folder: Path,
    today: Path,
    tmp_path: Path,
    environment: dict[str, str],
    model: ScriptedModel,
    term: str,
) -> None:
    model.answers("The meeting is tomorrow.")
    told = {**environment, "TERM": term}
    with terminal(folder, tmp_path / "tmux", environment=told, size=(80, 24)) as seen:
        opened(seen)
        seen.press("Down", "Down", "C-r")
        seen.until_seen("2 changes")
        seen.until_seen("Teh meeting is tomorow.")
        seen.until_seen("The meeting is tomorrow.")
        seen.press("Right", "Space", "Enter")
        seen.until_seen("The meeting is tomorow.")
        seen.resize(10, 3)
        seen.resize(80, 24)
        seen.until_seen("The meeting is tomorow.")
        seen.press("C-z")
        seen.until_seen("Teh meeting")
        seen.type("字é!")
        seen.until_seen("字é!")
        seen.press("C-q")
        until_holds(today, "字é!")
    assert "Teh" in today.read_text()


@needs_bwrap
def test_a_read_only_folder_keeps_a_draft_that_comes_back(
    folder: Path, today: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    text = today.read_text()
    within = ("bwrap", "--dev-bind", "/", "/", "--ro-bind", str(folder), str(folder))
    with terminal(folder, tmp_path / "a", environment=environment, within=within) as seen:
        opened(seen)
        seen.press("C-End")
        seen.type("draft")
        seen.until_seen("read-only")
        seen.until_seen("draft kept")
        seen.kill()
    assert today.read_text() == text
    with terminal(folder, tmp_path / "b", environment=environment) as seen:
        seen.until_seen("Restored")
        until_holds(today, f"{text}draft")


@needs_bwrap
def test_a_full_disk_is_said_and_nothing_is_left_without_asking(
    folder: Path, today: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    state = os.environ["ASSISTANT_HOME"]
    fill = f"cp -r {folder}/. {tmp_path}/small; head -c 1M /dev/zero > {tmp_path}/small/fill"
    (tmp_path / "small").mkdir()
    within = (
        *("bwrap", "--dev-bind", "/", "/", "--size", "100000", "--tmpfs", f"{tmp_path}/small"),
        *("--ro-bind", state, state),
        *("sh", "-c", f"{fill}; exec {sys.executable} -m assistant tui {tmp_path}/small", "--"),
    )
    with terminal(folder, tmp_path / "tmux", environment=environment, within=within) as seen:
        opened(seen)
        seen.type("x")
        seen.until_seen("disk full")
        seen.until_seen("NOT SAVED")
        seen.press("C-q")
        seen.until_seen("cannot be saved anywhere")
        seen.press("Escape")
        seen.until_seen("x# Today")
