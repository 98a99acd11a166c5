"""What a polite client never shows: malformed messages, wrong order, and the way out."""

import asyncio

from tests.lsp.editor import Editor
from tests.lsp.scripted_model import PATIENCE, ScriptedModel

CODE = "x = "


async def test_shutdown_while_the_model_loads(editor: Editor, model: ScriptedModel) -> None:
    model.models_gate.clear()
    await editor.start()
    editor.open(CODE)
    assert await editor.ghost(0, 4) == ""
    assert await editor.request("shutdown", None) is None
    model.models_gate.set()
    editor.notify("exit", None)
    assert await asyncio.wait_for(editor.process.wait(), PATIENCE) == 0
