"""How a suggestion looks, in three sizes and two themes, and in sixteen colours."""

from pathlib import Path

import pytest

from assistant.config import Settings
from assistant_tui.app import AssistantApp
from assistant_tui.remembered import Remembered
from assistant_tui.themes import SIXTEEN_COLOURS
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home
from tests.tui.test_snapshots import SIZES, Compare, scene

NOTE = """# Garden

The tomatoes were planted in *May*. 番茄很好吃。

- [ ] **buy** seeds
- [x] dig, see `plan.md`
"""
SENTENCE = (
    " we water them in the evening, when the sun is behind the house, and 每天晚上 once more"
    " before we go to bed, as the neighbours do."
)
LOOKS = [
    *((size, theme) for size in SIZES for theme in ("ink", "paper")),
    (SIZES[1], SIXTEEN_COLOURS),
]


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_a_suggestion(
    tmp_path: Path, snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "garden.md").write_text(NOTE)

    async def pause(home: Home) -> None:
        home.editor.move_cursor((2, len(NOTE.split("\n")[2])))
        home.editor.insert(" Every day,")
        await home.until(lambda: home.editor.ghost == SENTENCE and home.pane.saving == "saved")

    with ScriptedModel() as writer:
        writer.answers(SENTENCE)
        app = AssistantApp(folder, Settings(server_url=writer.url), Remembered(theme=theme))
        assert snap_compare(app, terminal_size=size, run_before=scene(folder, pause))
