"""The assistant in a real Neovim, through the plugin and the command `assistant lsp`."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.client.record import read_record
from assistant.history import History
from tests.e2e.neovim import Neovim, find_neovim
from tests.lsp.scripted_model import ScriptedModel

pytestmark = pytest.mark.e2e


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        monkeypatch.setenv("ASSISTANT_SERVER_URL", model.url)
        yield model


@pytest.fixture
def neovim(sealed_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Neovim]:
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(sealed_home / "neovim"))
    neovim = Neovim(find_neovim(), sealed_home)
    try:
        yield neovim
    finally:
        neovim.close()
        if (record := read_record()) is not None:
            os.kill(record.pid, signal.SIGTERM)


def test_ghost_text_of_the_starter_is_seen_accepted_and_undone(
    neovim: Neovim, tmp_path: Path
) -> None:
    neovim.open(tmp_path / "example.py")
    neovim.wait_work_ended()
    neovim.type("idef add(first, second):<CR>return")
    neovim.type_until_ghost_text(" ", "first", " ", "+ ", "sec")
    typed, shown = neovim.text, neovim.ghost_text
    assert typed.startswith("def add(first, second):\n    return ")
    neovim.type("<Tab>")
    neovim.wait("the accepted text", lambda: neovim.text != typed)
    assert neovim.text == typed + shown
    neovim.type("<Esc>u")
    neovim.wait("the undone text", lambda: neovim.text == typed)


def test_what_was_typed_while_the_model_was_loaded_gets_its_ghost_text(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    scripted.models_gate.clear()
    neovim.open(tmp_path / "example.py")
    neovim.wait("the loading", lambda: neovim.lua("return vim.lsp.status()"))
    neovim.type("ix = ")
    neovim.wait("a request", lambda: neovim.lua("return _G.asked") > 0)
    scripted.answers("first + second")
    scripted.models_gate.set()
    neovim.wait("ghost text", lambda: neovim.ghost_text)
    assert neovim.ghost_text == "first + second"


def test_the_accept_key_does_what_it_did_before_where_nothing_is_shown(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    neovim.open(tmp_path / "note.txt")
    neovim.type("ia<Tab>b")
    neovim.wait("the text", lambda: neovim.text == "a\tb")
    assert not neovim.ghost_text


def test_a_suggestion_that_was_typed_into_is_accepted_without_what_was_typed(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    show(neovim, scripted, tmp_path / "example.py", "first + second")
    scripted.answers("irst")
    neovim.type("fir<Tab>")
    neovim.wait("the accepted text", lambda: "second" in neovim.text)
    assert neovim.text == "x = first + second\n"


def test_a_suggestion_is_accepted_word_by_word_and_line_by_line(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    show(neovim, scripted, tmp_path / "example.py", "first + (second)\n", "y = 2\n")
    for word, rest in ((" first", " + (second)"), (" +", " (second)"), (" (", "second)")):
        typed = neovim.text.splitlines()[0]
        neovim.type("<M-Right>")
        accepted = typed + word.removeprefix(" " if typed.endswith(" ") else "")
        neovim.wait("the word", lambda: neovim.text.splitlines()[0] == accepted)  # noqa: B023
        neovim.wait("the rest", lambda: neovim.ghost_text.startswith(rest))  # noqa: B023
    neovim.type("<M-Down>")
    neovim.wait("the line", lambda: neovim.text == "x = first + (second)\n")
    assert scripted.unused == 0


def test_other_suggestions_are_asked_for_and_one_is_chosen(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    show(neovim, scripted, tmp_path / "example.py", "first")
    # One of them is for what comes behind the first.
    for other in ("second", "third", "fourth"):
        scripted.answers(other)
    neovim.type("<M-]>")
    # A key before that would ask once more.
    neovim.wait("the others", lambda: neovim.has_several)
    assert scripted.unused == 0
    seen: set[str] = set()

    def next_one() -> bool:
        neovim.type("<M-]>")
        seen.add(neovim.ghost_text.partition(" (")[0])
        return len(seen) == 3

    neovim.wait("all of them", next_one)
    chosen = neovim.ghost_text.partition(" (")[0]
    neovim.type("<Tab>")
    neovim.wait("the accepted text", lambda: neovim.text == f"x = {chosen}\n")
    neovim.close_server()
    with closing(History()) as history:
        fates = {row.text: row.fate.outcome for row in history.find()}
    taken = [text for text, outcome in fates.items() if outcome == "accepted"]
    assert taken == [chosen], "the others were not chosen"


def test_suggestions_are_turned_off_and_on(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    show(neovim, scripted, tmp_path / "example.py", "first")
    neovim.command("AssistantToggle")
    neovim.wait("a word", lambda: any("off" in text for text in neovim.told))
    answers = neovim.lua("return _G.answers")
    kept = scripted.answers("second")
    neovim.type("(")
    neovim.wait("an answer", lambda: neovim.lua("return _G.answers") > answers)
    hidden = neovim.ghost_text
    assert not hidden
    assert not kept.asked.is_set(), "the model is left alone"
    neovim.command("AssistantToggle")
    neovim.wait("a word", lambda: any("are on" in text for text in neovim.told))
    neovim.type("(")
    neovim.wait("ghost text", lambda: neovim.ghost_text)
    assert neovim.ghost_text == "second"
    neovim.command("AssistantSnooze 5")
    neovim.wait("a word", lambda: any("5 minutes" in text for text in neovim.told))


def test_a_file_with_dos_line_ends_gets_no_stray_carriage_returns(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    file = tmp_path / "example.py"
    file.write_bytes(b"# dos\r\n")
    show(neovim, scripted, file, "[\n", "    1,\n", "]\n")
    assert neovim.ghost_text == "[\n    1,\n]"
    neovim.type("<Tab>")
    neovim.wait("the accepted text", lambda: "]" in neovim.text)
    neovim.type("<Esc>")
    neovim.command("write")
    assert file.read_bytes() == b"x = [\r\n    1,\r\n]\r\n# dos\r\n"


def test_code_is_explained_beside_it(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    file = tmp_path / "example.py"
    file.write_text("x = 1\n\n\ndef f():\n    return x\n")
    neovim.open(file)
    answer = scripted.answers("It returns ", "`x`.")
    neovim.command("5")
    neovim.command("AssistantExplain")
    neovim.wait("the explanation", lambda: "It returns `x`." in neovim.first_lines)
    assert "def f():\n    return x" in answer.request["messages"][-1]["content"]
    assert neovim.text.startswith("x = 1"), "the cursor stays in the code"


def test_what_was_sent_is_shown_beside_the_code(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    show(neovim, scripted, tmp_path / "example.py", "first")
    neovim.type("<Esc>")
    neovim.command("AssistantContext")
    neovim.wait("it", lambda: "# What was sent to complete example.py" in neovim.first_lines)
    assert "x = " in neovim.first_lines, "the code that was sent is a part of it"
    assert neovim.text.startswith("x = "), "the cursor stays in the code"


def test_text_is_polished_and_the_change_is_undone(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    file = tmp_path / "note.txt"
    file.write_text("# Notes\n\nTeh cat sat.\n\n```\nteh\n```\n")
    neovim.open(file)
    answer = scripted.answers("The cat sat.")
    neovim.command("3")
    neovim.asked("AssistantPolish", "y")
    polished = "# Notes\n\nThe cat sat.\n\n```\nteh\n```"
    neovim.wait("the polished text", lambda: neovim.text == polished)
    assert "Notes" not in answer.request["messages"][-1]["content"]
    neovim.type("u")
    neovim.wait("the old text", lambda: neovim.text == polished.replace("The", "Teh"))


def test_a_text_that_is_not_wanted_stays_and_is_recorded_as_refused(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    file = tmp_path / "note.txt"
    file.write_text("Teh cat sat.\n")
    neovim.open(file)
    scripted.answers("The cat sat.")
    neovim.asked("AssistantPolish", "n")
    neovim.type("AYes.<Esc>")
    neovim.wait("the typed text", lambda: neovim.text == "Teh cat sat.Yes.")
    scripted.answers("The cat sat. Yes.")
    neovim.asked("AssistantPolish", "y")
    neovim.wait("the polished text", lambda: neovim.text == "The cat sat. Yes.")
    neovim.close_server()
    with closing(History()) as history:
        rows = {row.text: row for row in history.find()}
    refused, taken = rows["The cat sat."], rows["The cat sat. Yes."]
    assert (refused.fate.outcome, taken.fate.outcome) == ("rejected", "accepted")
    assert refused.fate.replaced_by in ("Teh cat sat.Yes.", "The cat sat. Yes.")
    assert (taken.fate.kept, taken.path) == (True, str(file))


def test_a_test_is_written_into_a_file_of_its_own(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "tests").mkdir()
    file = tmp_path / "numbers.py"
    file.write_text("def one():\n    return 1\n")
    neovim.open(file)
    scripted.answers("```python\ndef test_one():\n    assert one() == 1\n```\n")
    neovim.asked("AssistantTest", "y")
    neovim.wait("the test beside it", lambda: "def test_one():" in neovim.first_lines)
    assert neovim.text.startswith("def one"), "the cursor stays where it was"
    neovim.command("wall")
    written = (tmp_path / "tests" / "test_numbers.py").read_text()
    assert written == "def test_one():\n    assert one() == 1\n"


def test_names_are_suggested_beside_the_code(
    scripted: ScriptedModel, neovim: Neovim, tmp_path: Path
) -> None:
    file = tmp_path / "example.py"
    file.write_text("def f(x):\n    return x\n")
    neovim.open(file)
    answer = scripted.answers("- `same`: it says so.\n")
    neovim.type("w")
    neovim.command("AssistantNames")
    neovim.wait("the names", lambda: "- `same`: it says so." in neovim.first_lines)
    assert "f\n\ndef f(x):" in answer.request["messages"][-1]["content"]


def show(neovim: Neovim, scripted: ScriptedModel, file: Path, *pieces: str) -> None:
    """Have the pieces shown as ghost text behind `x = `, on the first line of a file."""
    neovim.open(file)
    neovim.wait_work_ended()
    scripted.answers(*pieces)
    neovim.type("Ox = ")
    neovim.wait("ghost text", lambda: neovim.ghost_text)
