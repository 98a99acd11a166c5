"""Whatever stands on the wire, every request is answered once and the server goes on."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lsp.editor import Editor, RequestError
from tests.lsp.scripted_model import PATIENCE, ScriptedModel
from tests.lsp.test_hostile import GROWTH, RECORDED, Stranger, places

EXAMPLES = 250
_WARM = 60
_DEEP = 2000

numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**31, 2**53 + 1, -1, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
)
# Lone surrogates, too, which JSON can write and UTF-8 cannot.
texts = st.one_of(
    st.text(st.characters(), max_size=20),
    st.sampled_from(["\ud800", "file:///project/example.py", "\x00", "e\u0301", "😀" * 50]),
)
tables = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
methods = st.one_of(
    st.sampled_from([method for method, _ in RECORDED]),
    st.sampled_from(["initialize", "$/setTrace", "textDocument/hover", "workspace/symbol"]),
    texts,
)
NUMBERS = [*range(1_000_000, 1_000_005), "a", "b", ""]
"""Few, so that a request often has the number of one that has no answer yet."""
numbers_of_requests = st.sampled_from(NUMBERS)


@st.composite
def nearly_right(draw: st.DrawFn) -> dict[str, Any]:
    """A recorded message with something else in one place, as a request or a notification."""
    method, params = draw(st.sampled_from(RECORDED))
    message = {"jsonrpc": "2.0", "method": method, "params": json.loads(json.dumps(params))}
    container, key = draw(st.sampled_from(places(message["params"])))
    container[key] = draw(tables)
    return message | ({"id": draw(numbers_of_requests)} if draw(st.booleans()) else {})


messages: st.SearchStrategy[Any] = st.one_of(
    nearly_right(),
    st.builds(
        lambda method, params, number: {
            "jsonrpc": "2.0",
            "method": method,
            "params": params,
            "id": number,
        },
        methods,
        tables,
        numbers_of_requests,
    ),
    st.builds(
        lambda method, params: {"jsonrpc": "2.0", "method": method, "params": params},
        methods,
        tables,
    ),
    st.builds(lambda number: ("$/cancelRequest", number), numbers_of_requests).map(
        lambda pair: {"jsonrpc": "2.0", "method": pair[0], "params": {"id": pair[1]}}
    ),
    tables,
)
# What comes before a message and is none: heads that say nothing, or no length that can be.
heads = st.sampled_from(
    [
        b"",
        b"\r\n\r\n",
        b"Content-Length: x\r\n\r\n",
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: 0\r\n\r\n",
        b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\xff\xfe\x00\r\n",
        b"x" * 100_000 + b"\r\n",
        b"Content-Type: nothing\r\n",
    ]
)
bodies = st.one_of(
    messages.map(lambda message: json.dumps(message).encode()),
    messages.map(lambda message: json.dumps(message).encode()[:-1]),
    st.binary(min_size=1, max_size=40),
    st.sampled_from([b"[" * _DEEP, b'{"a":' * _DEEP, b"[" * _DEEP + b"]" * _DEEP]),
)
streams = st.lists(st.tuples(heads, bodies), max_size=25)


class Wild:
    """A server, and the loop in which its wire is read."""

    def __init__(self, loop: asyncio.AbstractEventLoop, editor: Stranger) -> None:
        self._loop = loop
        self._editor = editor
        self._levels: list[int] = []

    def check(self, stream: list[tuple[bytes, bytes]]) -> None:
        self._loop.run_until_complete(self._check(stream))

    async def _check(self, stream: list[tuple[bytes, bytes]]) -> None:
        editor, asked = self._editor, Counter[str]()
        for head, body in stream:
            assert editor.process.stdin is not None
            editor.process.stdin.write(head)
            editor.send_bytes(body)
            if (number := number_of(body)) is not None:
                asked[number] += 1
        async with asyncio.timeout(PATIENCE), editor._arrived:
            await editor._arrived.wait_for(lambda: asked <= editor.answered)
        with pytest.raises(RequestError):  # an answer too many would have come before this one
            await editor.request("textDocument/levitate", {})
        assert {number: editor.answered[number] for number in asked} == asked
        editor.answered.clear()
        self._levels.append(psutil.Process(editor.process.pid).memory_info().rss)

    def assert_flat(self) -> None:
        """The memory does not grow once caches have their size."""
        assert max(self._levels[-_WARM:]) < GROWTH * max(self._levels[: _WARM + 1])


@contextmanager
def server(model: ScriptedModel) -> Iterator[Wild]:
    """A language server that lasts for many streams."""
    loop = asyncio.new_event_loop()
    editor = Stranger({"ASSISTANT_SERVER_URL": model.url})
    loop.run_until_complete(editor.__aenter__())
    try:
        loop.run_until_complete(_begin(editor, model))
        yield Wild(loop, editor)
    finally:
        loop.run_until_complete(editor.__aexit__(None, None, None))
        loop.close()


async def _begin(editor: Stranger, model: ScriptedModel) -> None:
    """Have all loaded that is loaded when it is first needed: that is no growth."""
    await editor.start()
    editor.open("def f():\n    ")
    model.answers("return 1")
    assert await editor.ghost(1, 4) == "return 1"


def number_of(body: bytes) -> str | None:
    """The number of the request in a body, if that is one."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        return None
    return json.dumps(message["id"]) if message.get("id") in NUMBERS else None


def test_whatever_stands_on_the_wire_each_request_is_answered_once(model: ScriptedModel) -> None:
    with server(model) as wild:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(streams)
        def hold(stream: list[tuple[bytes, bytes]]) -> None:
            wild.check(stream)

        hold()
        wild.assert_flat()


@pytest.mark.parametrize("rest", [b"Content-Length: 500\r\n\r\n{", b"Content-Le", b"\r\n"])
async def test_an_editor_that_leaves_within_a_message_is_no_trouble(
    environment: dict[str, str], rest: bytes
) -> None:
    async with Editor(environment) as editor:
        await editor.start()
        await editor.wait_for("workspace/configuration")
        with pytest.raises(RequestError):
            await editor.request("textDocument/levitate", {})
        assert editor.process.stdin is not None
        editor.process.stdin.write(rest)
    assert editor.process.returncode == 1, "it did not say goodbye"
    assert b"Traceback" not in editor.stderr
