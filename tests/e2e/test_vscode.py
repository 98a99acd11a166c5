"""The assistant in a real VS Code, through the packaged extension and `assistant lsp`."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.client.record import read_record
from assistant.paths import HOME_VARIABLE
from tests.e2e.vscode import ASSISTANT, VSCode, find_vscode

pytestmark = pytest.mark.e2e

EXAMPLES = Path(__file__).parents[2] / "examples"
TYPED_BEHIND = '    """Return the value of everything on the shelf."""\n'
MESSAGES = ".notifications-toasts .notification-list-item-message"
PREVIEW = ".bulk-edit-panel"
POPUP = ".suggest-widget.visible .monaco-list-row"
MENU = ".quick-input-widget .monaco-list-row .label-name"
STATUS = ".statusbar-item[id^='assistant.assistant-private'] a"
NEW_TEXT = ".monaco-diff-editor .modified .view-lines"
PICTURES = os.environ.get("ASSISTANT_TEST_PICTURES")


@dataclass(frozen=True, slots=True)
class Window:
    """VS Code with a project, after a first suggestion and an explanation: the model is loaded."""

    vscode: VSCode
    project: Path
    first: str
    explanation: str


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    find_vscode()
    project = tmp_path_factory.mktemp("project")
    for example in EXAMPLES.iterdir():
        shutil.copy(example, project)
    code = (EXAMPLES / "inventory.py").read_text()
    (project / "typed.py").write_text(code.partition(TYPED_BEHIND)[0] + TYPED_BEHIND)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
            if not name.startswith("ASSISTANT_TEST_"):
                patch.delenv(name)
        patch.setenv(HOME_VARIABLE, str(tmp_path_factory.mktemp("home")))
        vscode = VSCode(tmp_path_factory.mktemp("vscode"), project)
        try:
            first = first_ghost_text(vscode, project)
            yield Window(vscode, project, first, explained(vscode, project))
        finally:
            vscode.close()
            # The tests have homes of their own by now, which this server is not in.
            with pytest.MonkeyPatch.context() as home:
                home.setenv(HOME_VARIABLE, os.environ[HOME_VARIABLE])
                if (record := read_record()) is not None:
                    os.kill(record.pid, signal.SIGTERM)


def test_what_was_typed_while_the_model_was_loaded_gets_its_ghost_text(window: Window) -> None:
    assert window.first.strip()


def test_a_function_is_explained_beside_it(window: Window) -> None:
    assert "def find_item" not in window.explanation
    assert len(window.explanation.split()) > 2


def test_ghost_text_of_the_starter_is_seen_accepted_and_saved(window: Window) -> None:
    vscode, file = window.vscode, window.project / "typed.py"
    before = file.read_text()
    vscode.open(file, before.count("\n") + 1)
    vscode.type("    return sum(")
    vscode.wait("ghost text", lambda: vscode.ghost_text)
    shown = vscode.ghost_text
    take_picture(vscode, "ghost-text")
    vscode.press("Tab")
    vscode.wait("the accepted text", lambda: not vscode.ghost_text)
    vscode.press("s", control=True)
    # It is empty for a moment.
    vscode.wait("the saved text", lambda: file.read_text() not in ("", before))
    assert file.read_text().startswith(before + "    return sum(" + shown.splitlines()[0])


def test_a_paragraph_is_polished_and_the_change_is_undone(window: Window) -> None:
    vscode, file = window.vscode, window.project / "notes.md"
    before = file.read_text()
    vscode.open(file, 3)
    vscode.command("Assistant: Polish")
    vscode.wait("the preview", lambda: "The server keeps" in vscode.shown(PREVIEW))
    assert "teh result" in vscode.text, "nothing is changed before the user agrees"
    # The entries come unticked.
    vscode.wait("advice", lambda: "tick what you want" in vscode.shown(".statusbar"))
    vscode.click(f"{PREVIEW} [aria-level='2'] input")
    vscode.click(f"{PREVIEW} [aria-level='2']")
    vscode.wait("the diff", lambda: "the result" in vscode.shown(NEW_TEXT))
    vscode.wait_ready()
    take_picture(vscode, "polished")
    vscode.click(f"{PREVIEW} .monaco-button")
    vscode.wait("the end of the preview", lambda: not vscode.shown(PREVIEW))
    vscode.wait("no advice", lambda: "tick what you want" not in vscode.shown(".statusbar"))
    vscode.open(file, 3)
    vscode.wait("the polished text", lambda: "teh result" not in vscode.text)
    vscode.press("s", control=True)
    # It is empty for a moment.
    vscode.wait("the saved text", lambda: file.read_text() not in ("", before))
    after = file.read_text()
    assert "the result of each request" in after
    assert after.partition("```")[2] == before.partition("```")[2], "code stays as it is"
    vscode.press("z", control=True)
    vscode.wait("the old text", lambda: "teh result" in vscode.text)
    vscode.press("s", control=True)
    vscode.wait("the old text on disk", lambda: file.read_text() == before)


def test_a_missing_program_is_told_once_and_found_when_it_is_there(window: Window) -> None:
    vscode = window.vscode
    vscode.program.unlink()
    vscode.command("Assistant: Restart")
    vscode.wait("a message", lambda: "was not found" in vscode.shown(MESSAGES))
    assert vscode.shown(MESSAGES).count(str(vscode.program)) == 1
    assert vscode.status == "Assistant: the language server is not running"
    vscode.program.symlink_to(ASSISTANT)
    vscode.command("Assistant: Restart")
    vscode.wait_ready()


def test_it_is_started_anew_with_a_command_that_was_changed(window: Window) -> None:
    vscode = window.vscode
    vscode.wait_ready()
    (old,) = vscode.servers()
    other = vscode.program.with_name(f"{vscode.program.name} of another name")
    other.symlink_to(ASSISTANT)
    vscode.configure({"assistant.command": [str(other), "lsp"]})
    vscode.wait("the end of the old one", lambda: not old.is_running())
    vscode.wait_ready()
    (new,) = vscode.servers()
    assert str(other) in new.cmdline()
    vscode.configure({})
    vscode.wait("the end of the new one", lambda: not new.is_running())
    vscode.wait_ready()


def test_without_ghost_text_the_suggestion_comes_in_the_popup(window: Window) -> None:
    vscode, file = window.vscode, window.project / "typed.py"
    text = file.read_text()
    vscode.open(file, text.count("\n") + 1)
    # Without numbers beside the lines, one sees that the settings have arrived.
    vscode.configure({"editor.inlineSuggest.enabled": False, "editor.lineNumbers": "off"})
    try:
        vscode.wait("no numbers", lambda: not vscode.shown(".line-numbers"))
        vscode.press("Enter")
        vscode.type("    return total_of")
        vscode.wait("the popup", lambda: "assistant" in vscode.shown(f"{POPUP} .details-label"))
        assert not vscode.ghost_text
    finally:
        vscode.configure({})
        vscode.wait("numbers", lambda: vscode.shown(".line-numbers"))


def test_the_status_offers_the_commands(window: Window) -> None:
    vscode = window.vscode
    vscode.wait_ready()
    for status in ("Assistant: no suggestions while you type", "Assistant: ready"):
        vscode.click(STATUS)
        vscode.wait("the menu", lambda: "Explain" in vscode.shown(MENU))
        vscode.browser.do("Input.insertText", text="Turn Suggestions Off or On")
        vscode.wait("fewer entries", lambda: "Explain" not in vscode.shown(MENU))
        vscode.press("Enter")
        vscode.wait_status(status)


def test_a_server_that_dies_again_and_again_is_left_alone_until_the_user_asks(
    window: Window,
) -> None:
    vscode = window.vscode
    vscode.wait_ready()
    deaths = 0
    while not given_up(vscode):
        for server in vscode.servers():
            server.kill()
            server.wait()
        deaths += 1
        vscode.wait("a new one, or none", lambda: given_up(vscode) or alive(vscode))
    assert deaths > 3, "the first times it is started anew"
    assert not vscode.servers()
    assert vscode.status == "Assistant: the language server is not running"
    vscode.command("Assistant: Restart")
    vscode.wait_ready()


def given_up(vscode: VSCode) -> bool:
    return "will not be restarted" in vscode.shown(MESSAGES)


def alive(vscode: VSCode) -> bool:
    return vscode.status == "Assistant: ready" and bool(vscode.servers())


def first_ghost_text(vscode: VSCode, project: Path) -> str:
    """Type before the model is loaded. Returns the ghost text that comes without another key."""
    file = project / "early.py"
    before = (project / "typed.py").read_text()
    file.write_text(before)
    vscode.open(file, before.count("\n") + 1)
    assert vscode.status != "Assistant: ready"
    vscode.type("    return sum(")
    vscode.wait("ghost text", lambda: vscode.ghost_text)
    vscode.wait_ready()
    return vscode.ghost_text


def explained(vscode: VSCode, project: Path) -> str:
    """Have a function explained. Returns what is shown beside it."""
    line = (project / "inventory.py").read_text().splitlines().index("    for item in items:") + 1
    vscode.open(project / "inventory.py", line)
    vscode.wait_ready()
    vscode.command("Assistant: Explain")
    beside = ".editor-group-container:not(.active) .view-lines"
    vscode.wait("the explanation", lambda: vscode.shown(beside).strip())
    vscode.wait_ready()
    take_picture(vscode, "explanation")
    explanation = vscode.shown(beside)
    assert vscode.shown(".editor-group-container.active .tab.active") == "inventory.py"
    vscode.command("View: Close Editors in Other Groups")
    vscode.wait("one editor", lambda: not vscode.shown(beside))
    return explanation


def take_picture(vscode: VSCode, name: str) -> None:
    """Keep a picture for the documentation, where a folder for it is named."""
    if PICTURES:
        vscode.picture(Path(PICTURES) / f"vscode-{name}.png")
