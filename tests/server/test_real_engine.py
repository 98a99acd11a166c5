"""The server with the real engine and a small real model."""

import json
import shutil
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
import torch

from assistant import paths
from assistant.client import ModelClient
from assistant.client.record import ModelChoice, read_record
from assistant.config import Settings
from assistant.engine.engine import Engine
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.requests import Chunk, Deliver, EngineStats, Job
from assistant.engine.trained_for import trained_for, write_note
from assistant.errors import Cancelled
from assistant.messages import CompletionRequest, Conversation, Message, SamplingParams
from assistant.server.engines import Served
from assistant.server.loading import EngineLoader
from assistant_finetune.adapters import rollback
from assistant_finetune.adapters.versions import install
from tests.engine.tiny import CONTEXT, local_model, save_adapter, save_gptq, save_llama, save_nf4
from tests.server.live import Live, live
from tests.server.processes import end_recorded_server

PATIENCE = 60.0
PROMPT = "def add(first, second):\n    return"


@dataclass
class Watched:
    """The engine's way to the client, and whether it was cancelled.

    While `held`, it goes on after its first piece only when its client has gone: an answer that
    is done too soon cannot be cancelled.
    """

    engine: Engine
    held: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)

    def submit_chat(
        self, conversation: Conversation, params: SamplingParams, job: Job, deliver: Deliver
    ) -> None:
        self.engine.submit_chat(conversation, params, job, self._watched(job, deliver))

    def submit_complete(
        self, request: CompletionRequest, params: SamplingParams, job: Job, deliver: Deliver
    ) -> None:
        self.engine.submit_complete(request, params, job, self._watched(job, deliver))

    @property
    def adapter_names(self) -> tuple[str, ...]:
        return self.engine.adapter_names

    def add_adapter(self, name: str, folder: Path) -> None:
        self.engine.add_adapter(name, folder)

    def remove_adapter(self, name: str) -> None:
        self.engine.remove_adapter(name)

    def stats(self) -> EngineStats:
        return self.engine.stats()

    def close(self) -> None:
        self.engine.close()

    def _watched(self, job: Job, deliver: Deliver) -> Deliver:
        def watched(piece: Chunk | Exception) -> None:
            if isinstance(piece, Cancelled):
                self.cancelled.set()
            deliver(piece)
            while self.held and not job.cancel.cancelled:
                threading.Event().wait(0.01)

        return watched


class Loading(EngineLoader):
    """The engine's loader, with what is loaded watched."""

    watched: Watched

    def load(self, choice: ModelChoice) -> Served:
        served = super().load(choice)
        assert isinstance(served.engine, Engine)
        self.watched = Watched(served.engine)
        return Served(self.watched, served.card)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_llama(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[tuple[Live, Watched]]:
    loader = Loading()
    with live(loader, str(folder)) as running:
        assert running.service.host.state.status == "ready"
        yield running, loader.watched


@pytest.fixture
def server(shared: tuple[Live, Watched]) -> Live:
    return shared[0]


@pytest.fixture
def engine(shared: tuple[Live, Watched]) -> Watched:
    return shared[1]


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


ASKED: Any = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]}


def test_several_answers_differ_and_each_is_what_its_seed_makes(server: Live) -> None:
    def texts(seed: int, n: int) -> list[str | None]:
        answer = server.client().chat.completions.create(
            **ASKED, temperature=1.0, seed=seed, n=n, max_tokens=12
        )
        assert [choice.index for choice in answer.choices] == list(range(n))
        return [choice.message.content for choice in answer.choices]

    three = texts(5, 3)
    assert len(set(three)) == 3
    assert texts(6, 2) == three[1:]


@pytest.mark.parametrize("stream", [True, False])
def test_probabilities_are_told_token_by_token(server: Live, stream: bool) -> None:
    options: Any = {**ASKED, "max_tokens": 12, "logprobs": True, "top_logprobs": 3}
    if stream:
        chunks = list(server.client().chat.completions.create(**options, stream=True))
        tokens = [
            token
            for chunk in chunks
            for choice in chunk.choices
            if choice.logprobs is not None
            for token in choice.logprobs.content or ()
        ]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    else:
        (choice,) = server.client().chat.completions.create(**options).choices
        assert choice.logprobs is not None
        tokens = choice.logprobs.content or []
        text = choice.message.content or ""
    assert len(tokens) == 12
    assert b"".join(bytes(token.bytes or []) for token in tokens).decode(errors="replace") == text
    for token in tokens:
        assert len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob == token.logprob <= 0.0


def test_an_answer_follows_a_schema(server: Live) -> None:
    schema = {
        "type": "object",
        "properties": {"sure": {"type": "boolean"}, "how": {"enum": ["well", "badly"]}},
        "required": ["sure", "how"],
        "additionalProperties": False,
    }
    named: Any = {"name": "answer", "schema": schema, "strict": True}
    answer = server.client().chat.completions.create(
        **ASKED,
        temperature=1.0,
        max_tokens=400,
        response_format={"type": "json_schema", "json_schema": named},
    )
    said = json.loads(answer.choices[0].message.content or "")
    assert set(said) == {"sure", "how"}
    assert isinstance(said["sure"], bool)
    assert said["how"] in ("well", "badly")
    named["schema"] = {"type": "object", "properties": {"a": {"type": "bogus"}}}
    with pytest.raises(openai.BadRequestError, match=r"\$\.properties\.a: Invalid type: bogus"):
        server.client().chat.completions.create(
            **ASKED, response_format={"type": "json_schema", "json_schema": named}
        )


def test_an_adapter_is_chosen_by_the_models_name(
    server: Live, engine: Watched, folder: Path
) -> None:
    def text(model: str) -> str:
        answer = server.client().completions.create(model=model, prompt=PROMPT, max_tokens=8)
        return answer.choices[0].text

    save_adapter(folder, paths.adapters_dir() / "mine")
    plain, mine = text("tiny"), text("tiny:mine")
    assert plain != mine
    assert (text("tiny"), text("tiny:mine")) == (plain, mine)
    assert "tiny:mine" in [model.id for model in server.client().models.list().data]
    shutil.rmtree(paths.adapters_dir() / "mine")
    assert "tiny:mine" not in [model.id for model in server.client().models.list().data]
    assert engine.adapter_names == ()
    with pytest.raises(openai.NotFoundError):
        text("tiny:mine")


def test_an_adapter_that_is_trained_again_and_rolled_back_is_taken_at_once(
    server: Live, engine: Watched, folder: Path, tmp_path: Path
) -> None:
    def text() -> str:
        answer = server.client().completions.create(model="tiny:mine", prompt=PROMPT, max_tokens=8)
        return answer.choices[0].text

    texts = []
    for seed in (5, 6):
        install(save_adapter(folder, tmp_path / "run", seed=seed), "mine")
        texts.append(text())
    assert texts[0] != texts[1]
    for expected in texts:
        rollback("mine")
        assert text() == expected
    assert len(engine.adapter_names) == 1, "those of before are freed"
    shutil.rmtree(paths.adapters_dir() / "mine")


def test_an_adapter_of_another_base_or_chat_format_is_refused_and_the_server_goes_on(
    server: Live, folder: Path, tmp_path: Path
) -> None:
    def put(name: str, base: Path, **spoken: Any) -> None:
        loaded = load_model(local_model(base, **spoken), LoadOptions("cpu"))
        target = save_adapter(folder, paths.adapters_dir() / name)
        write_note(target, trained_for(base.name, loaded.model, loaded.renderer))

    def text(model: str) -> str:
        answer = server.client().completions.create(model=model, prompt=PROMPT, max_tokens=8)
        return answer.choices[0].text

    other = save_llama(tmp_path / "other-tiny")
    model: Any = load_model(local_model(other), LoadOptions("cpu")).model
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(1.5)
    model.save_pretrained(other)
    plain = text("tiny")
    put("foreign", other)
    with pytest.raises(openai.APIStatusError, match="other weights than these: on other-tiny"):
        text("tiny:foreign")
    put("vicuna", folder, chat_format="vicuna_v1.1")
    with pytest.raises(openai.APIStatusError, match=r"another chat format .*\(vicuna_v1\.1\)"):
        text("tiny:vicuna")
    put("own", folder)
    assert text("tiny:own") != plain == text("tiny")


def test_another_model_takes_the_first_ones_place(server: Live) -> None:
    def text(model: str) -> str:
        answer = server.client().completions.create(model=model, prompt=PROMPT, max_tokens=8)
        return answer.choices[0].text

    save_llama(paths.models_dir() / "other", hidden=32)
    tiny, other = text("tiny"), text("other")
    assert tiny != other
    assert server.health()["model"] == "other"
    assert text("tiny") == tiny
    pickled = paths.models_dir() / "pickled"
    save_llama(pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(openai.APIStatusError, match="is a pickle file"):
        text("pickled")
    assert server.health()["model"] == "tiny"


@pytest.mark.e2e
@pytest.mark.parametrize("weights", ["as they are", "nf4", "gptq"])
async def test_from_a_front_end_to_the_model_and_back(tmp_path: Path, weights: str) -> None:
    folder = save_llama(tmp_path / "plain", dtype=torch.bfloat16)
    if weights == "nf4":
        folder = save_nf4(folder, tmp_path / "nf4")
    elif weights == "gptq":
        pytest.importorskip("gptqmodel")
        folder = save_gptq(folder, tmp_path / "gptq")
    client = ModelClient(Settings(model=str(folder), device="cpu"))
    try:
        card = await client.ready()
        assert (card.name, card.fim) == (folder.name, True)
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


@pytest.mark.e2e
async def test_a_draft_model_of_the_settings_guesses(folder: Path) -> None:
    client = ModelClient(Settings(model=str(folder), device="cpu", draft_model=str(folder)))
    try:
        request, params = CompletionRequest(PROMPT, "\n"), SamplingParams(max_tokens=24)
        assert await client.complete(request, params)
        record = read_record()
        assert record is not None and record.choice.draft_model == str(folder)
        with openai.OpenAI(
            base_url=f"{record.url}/v1", api_key=paths.token_file().read_text(), max_retries=0
        ) as own:
            answer = own.completions.create(
                model=folder.name, prompt="class Point:\n    def", max_tokens=24
            )
        assert answer.usage is not None and answer.usage.completion_tokens_details is not None
        assert (answer.usage.completion_tokens_details.accepted_prediction_tokens or 0) > 5
    finally:
        await client.aclose()
        end_recorded_server()


def test_a_user_can_say_that_nothing_is_kept_of_earlier_requests() -> None:
    def cached(loader: EngineLoader) -> int:
        engine = loader.load(ModelChoice.of(Settings(device="cpu"))).engine
        assert isinstance(engine, Engine)
        for _ in range(2):
            request = CompletionRequest(PROMPT, "")
            list(engine.complete(request, SamplingParams(max_tokens=4)))
        tokens = engine.stats().cached_tokens
        engine.close()
        return tokens

    assert cached(EngineLoader()) > 0
    assert cached(EngineLoader(cache_gb=0)) == 0
