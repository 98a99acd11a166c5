"""Texts to act on, and how an editor asks for an action and gets what it does."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.lsp.editor import Editor
from tests.lsp.scripted_model import Answer

NOTE = "file:///project/note.md"
CODE = """import os


class A:
    def f(self):
        return 1

    def g(self):
        pass
"""
PROBLEM = {
    "range": {"start": {"line": 5, "character": 15}, "end": {"line": 5, "character": 16}},
    "message": "undefined\nname",
}
MARKDOWN = """---
title: Teh
---
# Teh heading

Teh first paragraph,
over two lines.

```python
teh = 1
```

> Teh quote.
"""


async def listed(editor: Editor, uri: str, place: Any, **context: object) -> list[dict[str, Any]]:
    params = {
        "textDocument": {"uri": uri},
        "range": place,
        "context": {"diagnostics": [], **context},
    }
    actions: list[dict[str, Any]] = await editor.request("textDocument/codeAction", params)
    return actions


def run(editor: Editor, name: str, uri: str, place: Any, **more: object) -> "asyncio.Future[Any]":
    target = {"uri": uri, "range": place}
    params = {"command": f"assistant.{name}", "arguments": [target], **more}
    return editor.send_request("workspace/executeCommand", params)


def asked(answer: Answer) -> str:
    """What the model was shown."""
    content: str = answer.wait_asked()["messages"][-1]["content"]
    return content


def edits(editor: Editor) -> list[dict[str, Any]]:
    (params,) = editor.got("workspace/applyEdit")
    (change,) = params["edit"]["documentChanges"]
    found: list[dict[str, Any]] = change["edits"]
    return found


def shown_document(editor: Editor) -> str:
    (params,) = editor.got("window/showDocument")
    assert params["takeFocus"] is False
    return Path(unquote(urlsplit(params["uri"]).path)).read_text()
