"""Notes in the app: opened, written, saved, found, and shared with other programs."""

import json
from pathlib import Path

import pytest
from textual.content import Content
from textual.widgets import Input, Markdown, OptionList

from assistant.config import Settings
from assistant.errors import UsageError
from assistant.paths import state_dir
from assistant_tui.app import AssistantApp, notes_folder
from assistant_tui.dialogs import Choose
from assistant_tui.first_start import FirstStart, made
from assistant_tui.notes.finder import Finder
from assistant_tui.notes.preview import Preview
from assistant_tui.notes.tree import NoteTree
from assistant_tui.remembered import Remembered, recall
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home, running

TEXT = "# Today\n\nTeh meeting is tomorow.\n\nNobody knows.\n"


async def test_what_is_typed_is_in_the_file_a_moment_later(home: Home, today: Path) -> None:
    await home.open(today)
    await home.press("ctrl+end", "N", "e", "w", "enter", "字", "é")
    await home.saved(today, TEXT + "New\n字é")
    await home.until(lambda: home.pane.saving == "saved")


async def test_a_note_is_opened_from_the_tree(home: Home, today: Path) -> None:
    tree = home.screen.query_one(NoteTree)
    await home.until(lambda: tree.has_focus and tree.last_line >= 1)
    await home.press("home", "enter")
    await home.until(lambda: tree.last_line == 2)
    await home.press("down", "enter")
    await home.until(lambda: home.pane.path == today)
    assert home.text == TEXT
    assert home.editor.has_focus


async def test_a_note_is_found_by_letters_of_its_name(home: Home, today: Path) -> None:
    await home.until(lambda: home.screen._listing.notes)
    await home.press("ctrl+o")
    await home.until(lambda: isinstance(home.app.screen, Finder))
    await home.press(*"idtod")
    found = home.app.screen.query_one(OptionList)
    await home.until(lambda: found.option_count == 1)
    await home.press("enter")
    await home.until(lambda: home.pane.path == today)


async def test_a_note_is_found_by_its_words_and_opened_at_their_line(
    home: Home, today: Path
) -> None:
    await home.until(lambda: home.screen._listing.notes)
    await home.press("ctrl+f")
    await home.until(lambda: isinstance(home.app.screen, Finder))
    home.app.screen.query_one(Input).value = "nobody"
    found = home.app.screen.query_one(OptionList)
    await home.until(lambda: found.option_count == 1)
    await home.press("enter")
    await home.until(lambda: home.pane.path == today)
    assert home.editor.cursor_location == (4, 0)


async def test_a_note_is_made_renamed_deleted_and_brought_back(home: Home, folder: Path) -> None:
    tree = home.screen.query_one(NoteTree)
    await home.press("ctrl+n")
    await home.press(*"plan", "enter")
    await home.until(lambda: home.pane.path == folder / "plan.md")
    await home.press(*"words")
    await home.saved(folder / "plan.md", "words")
    await home.press("f2", "end", *["backspace"] * 7, *"idea.md", "enter")
    await home.until(lambda: home.pane.path == folder / "idea.md")
    await home.press("!")
    await home.saved(folder / "idea.md", "words!")
    assert not (folder / "plan.md").exists()
    await home.until(lambda: tree.note == "idea.md")
    tree.focus()
    await home.press("delete")
    await home.until(lambda: not (folder / "idea.md").exists() and home.pane.path is None)
    assert tree.has_focus
    await home.press("ctrl+z")
    await home.saved(folder / "idea.md", "words!")


async def test_a_change_of_another_program_is_taken_in(home: Home, today: Path) -> None:
    await home.open(today)
    home.editor.move_cursor((4, 3))
    today.write_text("A new first line\n" + TEXT)
    await home.until(lambda: home.text == "A new first line\n" + TEXT)
    assert home.editor.cursor_location == (5, 3)
    assert any("another program" in line for line in home.said)


async def test_both_changes_of_a_note_are_kept(home: Home, today: Path) -> None:
    await home.open(today)
    today.write_text(TEXT.replace("# Today", "# TODAY"))
    await home.press("ctrl+end", *"mine")
    both = TEXT.replace("# Today", "# TODAY") + "mine"
    await home.saved(today, both)
    await home.until(lambda: home.text == both)


async def test_who_leaves_at_once_keeps_both_changes(home: Home, today: Path) -> None:
    await home.open(today)
    today.write_text(TEXT.replace("# Today", "# TODAY"))
    await home.press("ctrl+end", "!", "ctrl+q")
    await home.until(lambda: not home.app.is_running)
    assert today.read_text() == TEXT.replace("# Today", "# TODAY") + "!"


@pytest.mark.parametrize("answer", ["mine", "theirs", "both"])
async def test_two_versions_of_a_line_are_asked_about(home: Home, today: Path, answer: str) -> None:
    await home.open(today)
    theirs = TEXT.replace("# Today", "# Theirs")
    # Both at once, and no look at the file between them.
    today.write_text(theirs)
    home.editor.move_cursor((0, 0))
    home.editor.insert("My ")
    mine = "My " + TEXT
    await home.until(lambda: isinstance(home.app.screen, Choose))
    assert home.text == mine
    assert today.read_text() == theirs
    await home.press(*["down"] * ["mine", "theirs", "both"].index(answer), "enter")
    await home.saved(today, theirs if answer == "theirs" else mine)
    other = today.with_name("today (other).md")
    if answer == "both":
        await home.saved(other, theirs)
    await home.until(lambda: home.pane.is_saved)
    if answer == "theirs":
        await home.press("ctrl+z")
        assert home.text == mine


async def test_what_cannot_be_saved_is_kept_and_said(home: Home, today: Path) -> None:
    await home.open(today)
    today.unlink()
    today.mkdir()  # nobody, not even root, can write there
    await home.press("ctrl+end", *"kept")
    await home.until(lambda: home.pane.saving == "kept")
    assert any("today.md" in line and "draft" in line for line in home.said)
    await home.press("!")  # which no draft has yet
    await home.open(today.parent.parent / "Reading.md")
    today.rmdir()
    today.write_text(TEXT)
    await home.open(today)
    assert home.text == TEXT + "kept!"
    await home.saved(today, TEXT + "kept!")


@pytest.mark.parametrize(
    ("content", "said"), [(b"\0\1\2", "binary"), (b"\xff", "UTF-8"), (b"x" * 50_000_000, "50.0 MB")]
)
async def test_what_is_no_note_is_refused_in_words(
    home: Home, folder: Path, today: Path, content: bytes, said: str
) -> None:
    await home.open(today)
    (folder / "odd.md").write_bytes(content)
    home.pane.open(folder / "odd.md")
    await home.until(lambda: any(said in line for line in home.said))
    assert home.pane.path == today


async def test_line_ends_and_odd_characters_stay(home: Home, folder: Path) -> None:
    path = folder / "odd.md"
    path.write_bytes("one\r\ntwo\x0c\u2028x\r\n".encode())
    await home.open(path)
    await home.press("ctrl+home", *"1", "end", "enter", *"new")
    await home.saved(path, "1one\r\nnew\r\ntwo\x0c\u2028x\r\n")


async def test_brackets_in_a_name_are_a_part_of_it(home: Home, folder: Path) -> None:
    path = folder / "[b]plan[x].md"
    path.write_text("[red]words[/red]\n")
    home.screen.rescan()
    await home.open(path)
    tree = home.screen.query_one(NoteTree)
    await home.until(lambda: tree.note == path.name)
    assert str(tree.cursor_node.label if tree.cursor_node else "") == "[b]plan[x]"
    assert Content.from_markup(str(home.pane.border_title)).plain == "[b]plan[x]"
    tree.focus()
    await home.press("delete")
    await home.until(lambda: any("[b]plan[x] is in the trash" in line for line in home.said))
    assert not any(one.markup for one in home.app._notifications)


async def test_what_a_note_says_does_not_steer_the_terminal(home: Home, folder: Path) -> None:
    path = folder / "odd.md"
    path.write_text("a\x1b[31mb\x9b2J `c\x07`\n")
    await home.open(path)
    await home.press("ctrl+t")
    markdown = home.screen.query_one(Preview).query_one(Markdown)
    await home.until(lambda: "␛[31m" in markdown.source)
    lines = [strip.text for strip in home.editor.render_lines(home.editor.size.region)]
    assert lines[0].strip().startswith("a␛[31mb\ufffd2J `c␇`")
    assert home.text == path.read_text()


async def test_what_is_drawn_is_what_is_there(home: Home, folder: Path) -> None:
    path = folder / "wide.md"
    path.write_text(
        "- [ ] read [the checklist](checklist.md) **soon** and 今天天气很好 " * 4 + "\nend\n"
    )
    await home.open(path)
    for keys in (["ctrl+t"], ["x", "enter"], ["ctrl+z"], ["ctrl+end", "b"], ["ctrl+b", "ctrl+b"]):
        await home.press(*keys)
        await home.pilot.pause()
        editor = home.editor
        drawn = "".join(strip.text.strip() for strip in editor.render_lines(editor.size.region))
        assert drawn.replace(" ", "") == "".join(home.text.split())


async def test_enter_goes_on_with_a_list(home: Home, folder: Path) -> None:
    path = folder / "Reading.md"
    await home.open(path)
    await home.press("ctrl+end", *"- a", "enter", *"b", "enter", "enter", *"c")
    assert home.text.endswith("- a\n- b\nc")


async def test_the_preview_follows(home: Home, today: Path) -> None:
    await home.open(today)
    await home.press("ctrl+t")
    preview = home.screen.query_one(Preview)
    markdown = preview.query_one(Markdown)
    await home.until(lambda: preview.display and "Nobody" in markdown.source)
    await home.press("ctrl+end", *"**more**")
    await home.until(lambda: "more" in markdown.source)


@pytest.mark.parametrize("size", [(10, 3), (1, 1), (30, 8), (80, 24), (250, 80)])
async def test_any_size_of_the_terminal(
    folder: Path, today: Path, model: ScriptedModel, size: tuple[int, int]
) -> None:
    async with running(folder, Settings(server_url=model.url)) as home:
        await home.open(today)
        model.answers("The meeting is tomorrow.")
        home.editor.move_cursor((2, 0))
        await home.press("ctrl+r")
        await home.proposed()
        await home.pilot.resize_terminal(*size)
        await home.press("enter")
        await home.pilot.resize_terminal(100, 30)
        await home.until(lambda: "The meeting is tomorrow." in home.text)


async def test_the_first_start_asks_for_a_folder(tmp_path: Path) -> None:
    app = FirstStart()
    async with app.run_test() as pilot:
        await pilot.press(*["backspace"] * 10, *str(tmp_path / "new"), "enter")
    assert app.return_value is not None
    assert made(app.return_value) == tmp_path / "new"
    assert (tmp_path / "new").is_dir()


async def test_how_it_was_left_is_how_it_comes_back(
    folder: Path, today: Path, model: ScriptedModel
) -> None:
    async with running(folder, Settings(server_url=model.url)) as home:
        await home.open(today)
        home.app.theme = "paper"
        await home.press("ctrl+t", "ctrl+q")
        await home.until(lambda: not home.app.is_running)
    assert notes_folder(None) == (folder, None)
    async with running(folder, Settings(server_url=model.url), state=recall()) as home:
        await home.until(lambda: home.pane.path == today)
        assert home.app.theme == "paper"
        await home.until(lambda: home.screen.query_one(Preview).display)


async def test_keys_are_the_users(folder: Path, today: Path, model: ScriptedModel) -> None:
    keys = {"preview": "f9", "undo": "f8"}
    async with running(folder, Settings(server_url=model.url, keys=keys)) as home:
        await home.open(today)
        await home.press("f9")
        assert home.screen.query_one(Preview).display
        await home.press("x", "f8")
        assert home.text == TEXT


def test_keys_that_mean_nothing_are_named(folder: Path) -> None:
    with pytest.raises(UsageError, match="polsh, swim is nothing"):
        AssistantApp(folder, Settings(keys={"polsh": "f5", "swim": "f6", "polish": "f7"}))


def test_a_note_can_be_named(folder: Path, today: Path) -> None:
    assert notes_folder(None) is None
    assert notes_folder(folder) == (folder, None)
    assert notes_folder(today) == (today.parent, "today.md")


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is no folder"):
        notes_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["", "[]", '{"folder": 3, "theme": "x", "tree": 1}', "\0"])
def test_a_damaged_memory_is_none(content: str) -> None:
    (state_dir() / "tui.json").write_text(content)
    known = json.loads(content)["theme"] if "theme" in content else ""
    assert recall() == Remembered(theme=known)
