"""The server with the real engine and a small real model."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest

from assistant import paths
from assistant.client import ModelClient
from assistant.client.record import ModelChoice, read_record
from assistant.config import Settings
from assistant.engine.turns import CancelToken
from assistant.errors import Cancelled
from assistant.messages import CompletionRequest, Conversation, Message, SamplingParams
from assistant.server.loading import loader_of
from assistant.server.serving import Answering, ModelSlot, Piece, Served
from tests.engine.tiny import CONTEXT, save_llama
from tests.server.live import Live, live
from tests.server.processes import end_recorded_server

PATIENCE = 60.0
PROMPT = "def add(first, second):\n    return"


@dataclass
class Watched:
    """The engine, and whether it was cancelled.

    While `held`, it goes on after its first piece only when its client has gone: an answer that
    is done too soon cannot be cancelled.
    """

    engine: Answering
    held: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)

    def chat(
        self,
        conversation: Conversation,
        params: SamplingParams,
        cancel: CancelToken | None = None,
    ) -> Iterator[Piece]:
        return self._watch(self.engine.chat(conversation, params, cancel), cancel)

    def complete(
        self,
        request: CompletionRequest,
        params: SamplingParams,
        cancel: CancelToken | None = None,
    ) -> Iterator[Piece]:
        return self._watch(self.engine.complete(request, params, cancel), cancel)

    def _watch(self, pieces: Iterator[Piece], cancel: CancelToken | None) -> Iterator[Piece]:
        try:
            yield next(pieces)
            while self.held and cancel is not None and not cancel.cancelled:
                threading.Event().wait(0.01)
            yield from pieces
        except Cancelled:
            self.cancelled.set()
            raise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_llama(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Served:
    return loader_of(ModelChoice(str(folder), None, "none", "cpu"))()


@pytest.fixture(scope="module")
def engine(loaded: Served) -> Watched:
    return Watched(loaded.engine)


@pytest.fixture(scope="module")
def server(loaded: Served, engine: Watched) -> Iterator[Live]:
    slot = ModelSlot("tiny")
    changes: Any = {**vars(loaded), "engine": engine}
    slot.fill(lambda: Served(**changes))
    with live(slot) as running:
        yield running


def test_its_card(server: Live) -> None:
    card = server.client().models.list().data[0].model_dump()
    assert (card["id"], card["context"], card["chat"], card["fim"]) == ("tiny", CONTEXT, True, True)
    assert card["wording"] == "full"
    assert "Llama" in card["description"]


def test_streamed_and_whole_are_the_same_and_the_prompt_is_reused(server: Live) -> None:
    options: Any = {"model": "tiny", "prompt": PROMPT, "suffix": "\n", "max_tokens": 20}
    whole = server.client().completions.create(**options)
    stream = server.client().completions.create(
        **options, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text != ""
    assert last.usage is not None
    assert whole.usage is not None
    assert last.usage.completion_tokens == whole.usage.completion_tokens
    assert last.usage.prompt_tokens_details is not None
    assert (last.usage.prompt_tokens_details.cached_tokens or 0) > 0


def test_a_seed_makes_an_answer_again(server: Live) -> None:
    def answer(seed: int) -> str | None:
        return (
            server.client()
            .chat.completions.create(
                model="tiny",
                messages=[{"role": "user", "content": "hello"}],
                temperature=1.0,
                seed=seed,
                max_tokens=20,
            )
            .choices[0]
            .message.content
        )

    assert answer(1) == answer(1) != answer(2)


def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(server: Live) -> None:
    options: Any = {"model": "tiny", "prompt": PROMPT, "max_tokens": 30}
    text = server.client().completions.create(**options).choices[0].text
    stop = text[5:8]
    choice = server.client().completions.create(**options, stop=stop).choices[0]
    assert choice.text == text[: text.index(stop)]
    assert choice.finish_reason == "stop"


def test_a_conversation_that_is_too_long(server: Live) -> None:
    with pytest.raises(openai.BadRequestError, match=rf"at most {CONTEXT}"):
        server.client().chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "1 " * CONTEXT}]
        )


def test_a_client_that_goes_away_ends_the_generation(
    server: Live, engine: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "held", True)
    stream = server.client().completions.create(
        model="tiny", prompt=PROMPT, max_tokens=CONTEXT, stream=True
    )
    next(stream)
    stream.close()
    assert engine.cancelled.wait(PATIENCE)
    monkeypatch.setattr(engine, "held", False)
    answer = server.client().completions.create(model="tiny", prompt=PROMPT, max_tokens=2)
    assert answer.usage is not None


@pytest.mark.e2e
async def test_from_a_front_end_to_the_model_and_back(folder: Path) -> None:
    client = ModelClient(Settings(model=str(folder), device="cpu"))
    try:
        card = await client.ready()
        assert (card.name, card.fim) == ("tiny", True)
        request, params = CompletionRequest(PROMPT, "\n"), SamplingParams(max_tokens=8)
        whole = await client.complete(request, params)
        assert "".join([text async for text in client.stream_complete(request, params)]) == whole
        conversation = Conversation((Message("user", "hello"),))
        assert await client.chat(conversation, params)
    finally:
        await client.aclose()
        end_recorded_server()


@pytest.mark.e2e
def test_a_signal_while_it_loads_ends_it_in_good_order(folder: Path) -> None:
    command = [sys.executable, "-P", "-m", "assistant", "serve", "--model", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("listening at")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert read_record() is None
    assert not paths.server_file().exists()
