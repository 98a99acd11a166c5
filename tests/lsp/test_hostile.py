"""Ten thousand messages that no editor should send: all requests are answered, nothing grows."""

import asyncio
import copy
import json
import random
from collections import Counter
from typing import Any

import psutil
import pytest

from tests.lsp.editor import URI, Editor, RequestError, at, span
from tests.lsp.scripted_model import PATIENCE, ScriptedModel

MESSAGES = 10_000
TOGETHER = 250
GROWTH = 1.1
"""Of the memory from a fifth of the messages on: caches have their size by then."""
LONG = "x" * 1_000_000
JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**63), 1e308),
    *(
        "",
        "x",
        "\x00",
        "😀",
        "e\u0301",
        "\ud800",
        "file:///never",
        "../../etc/passwd",
        "x" * 10_000,
    ),
    *([], {}, [[]], [None], {"": {}}, [[[[[[[[]]]]]]]], {"line": -1, "character": 10**9}),
]
DOCUMENT = {"uri": URI, "languageId": "python", "version": 1, "text": "x = 1\nprint(x)\n"}
RECORDED: list[tuple[str, dict[str, Any]]] = [
    ("textDocument/didOpen", {"textDocument": DOCUMENT}),
    (
        "textDocument/didChange",
        {
            "textDocument": {"uri": URI, "version": 2},
            "contentChanges": [{"range": span(0, 4, 0, 5), "text": "漢字 😀"}],
        },
    ),
    ("textDocument/inlineCompletion", at(1, 3)),
    ("textDocument/didSave", {"textDocument": {"uri": URI}}),
    (
        "workspace/executeCommand",
        {"command": "assistant.showContext", "arguments": [URI]},
    ),
    ("textDocument/completion", at(1, 3)),
    (
        "textDocument/codeAction",
        {
            "textDocument": {"uri": URI},
            "range": span(0, 0, 1, 3),
            "context": {
                "diagnostics": [{"range": span(0, 0, 0, 1), "message": "wrong", "severity": 1}],
                "only": ["refactor"],
            },
        },
    ),
    (
        "workspace/executeCommand",
        {"command": "assistant.explain", "arguments": [{"uri": URI, "range": span(0, 0, 1, 0)}]},
    ),
    ("workspace/executeCommand", {"command": "assistant.suggestionAccepted", "arguments": [URI]}),
    ("workspace/executeCommand", {"command": "assistant.snoozeSuggestions", "arguments": [5]}),
    (
        "workspace/didChangeConfiguration",
        {"settings": {"assistant": {"completion": {"maxTokens": 9, "disabledFolders": ["/x"]}}}},
    ),
    (
        "workspace/didChangeWorkspaceFolders",
        {
            "event": {
                "added": [{"uri": "file:///project", "name": "project"}],
                "removed": [{"uri": "file:///other", "name": "other"}],
            }
        },
    ),
    ("window/workDoneProgress/cancel", {"token": "1"}),
    ("$/cancelRequest", {"id": 1}),
    ("textDocument/didSave", {"textDocument": {"uri": URI}}),
    ("textDocument/didClose", {"textDocument": {"uri": URI}}),
]


class Stranger(Editor):
    """Counts the answers that come for each id, and forgets all else."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__(environment)
        self.answered: Counter[str] = Counter()

    async def __aenter__(self) -> "Stranger":
        await super().__aenter__()
        return self

    def _take(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        if "method" in message or (isinstance(number, int) and number in self._waiting):
            super()._take(message)
            self.notifications.clear()
        else:
            self.answered[json.dumps(message.get("id"))] += 1

    async def until_answered(self, numbers: set[str]) -> None:
        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(lambda: numbers <= self.answered.keys())


def places(value: Any) -> list[tuple[Any, Any]]:
    """All containers and keys within a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in pairs:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


def broken(generator: random.Random, number: int) -> dict[str, Any]:
    """A recorded message with some of its fields changed, missing or added."""
    method, params = copy.deepcopy(generator.choice(RECORDED))
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    for _ in range(generator.randrange(3)):
        container, key = generator.choice(places(message["params"]) or [(message, "params")])
        how = generator.random()
        if how < 0.6 or isinstance(container, list):
            container[key] = copy.deepcopy(generator.choice(JUNK))
        elif how < 0.9:
            container.pop(key, None)
        else:
            container[f"{key}2"] = copy.deepcopy(generator.choice(JUNK))
        if not isinstance(message.get("params"), dict | list):
            break
    if generator.random() < 0.05:
        message["method"] = generator.choice(["", "x/y", None, 5, {}, "textDocument/rename"])
    if generator.random() < 0.7:
        message["id"] = f"hostile {number}"
    return message


async def test_ten_thousand_hostile_messages(model: ScriptedModel) -> None:
    generator = random.Random(20261124)
    async with Stranger({"ASSISTANT_SERVER_URL": model.url}) as editor:
        await editor.start()
        process = psutil.Process(editor.process.pid)
        level = 0
        for start in range(0, MESSAGES, TOGETHER):
            asked = set()
            for number in range(start, start + TOGETHER):
                message = broken(generator, number)
                if "id" in message:
                    asked.add(json.dumps(message["id"]))
                editor.send(message)
            await editor.until_answered(asked)
            assert all(editor.answered[number] == 1 for number in asked)
            editor.answered.clear()
            if start == MESSAGES // 5:
                level = process.memory_info().rss
        assert process.memory_info().rss < GROWTH * level
        editor.open("x = ")
        assert await editor.ghost(0, 99) == ""
        assert await editor.request("shutdown", None) is None
        editor.notify("exit", None)
        assert await editor.process.wait() == 0


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": LONG}}),
        (
            "textDocument/didChange",
            {"textDocument": {"uri": URI, "version": 2}, "contentChanges": LONG},
        ),
        (
            "textDocument/codeAction",
            {
                "textDocument": {"uri": URI},
                "range": span(0, 0, 1, 3),
                "context": {"diagnostics": LONG},
            },
        ),
    ],
)
async def test_a_long_text_in_place_of_a_list_is_one_mistake(
    environment: dict[str, str], method: str, params: object
) -> None:
    """And not one for each of its letters."""
    async with Editor(environment) as editor:
        await editor.start()
        with pytest.raises(RequestError):
            await editor.request("textDocument/levitate", {})
        process = psutil.Process(editor.process.pid)
        before = process.memory_info().rss
        editor.notify(method, params)
        with pytest.raises(RequestError):
            await editor.request("textDocument/levitate", {})
        assert process.memory_info().rss < before + 10 * len(LONG)
