"""Servers that are not ours: another OpenAI-compatible one, named by its URL."""

from dataclasses import replace
from typing import Any

import pytest

from assistant.client import ModelClient
from assistant.config import Settings
from assistant.errors import ServerError
from assistant.messages import (
    CompletionRequest,
    Conversation,
    Message,
    SamplingParams,
    Snippet,
)
from assistant.prompts import Wording
from tests.client.foreign_servers import (
    LOST,
    Appending,
    ChatOnly,
    Foreign,
    LlamaCpp,
    LmStudio,
    Ollama,
    Strict,
    Vllm,
    middle,
    running,
)

PARAMS = SamplingParams(max_tokens=64)
REQUEST = CompletionRequest(
    "def add(a, b):\n    return a", "\n\nprint(add(1, 2))\n", "python", "a.py"
)
FILLED = middle(REQUEST.prefix, REQUEST.suffix)
QWEN = "Qwen/Qwen2.5-Coder-7B"
SMUGGLED = "'<|fim_middle|>', '<|endoftext|>', '<|im_start|>'\n"


def client_of(foreign: Foreign, **settings: Any) -> ModelClient:
    return ModelClient(Settings(server_url=foreign.url, **settings), command=["never", "started"])


async def completed(
    foreign: Foreign, request: CompletionRequest = REQUEST, **settings: Any
) -> tuple[str, str | None]:
    """What stands at the cursor, and how it ended; the second time as the first."""
    async with running(foreign):
        client = client_of(foreign, **settings)
        whole = await client.complete(request, PARAMS)
        stream = client.stream_complete(request, PARAMS)
        assert "".join([text async for text in stream]) == whole
        await client.aclose()
    return whole, stream.finish


async def test_it_is_used_as_it_is() -> None:
    async with running(Foreign([{"id": "m", "object": "model", "max_model_len": 99}])) as foreign:
        client = client_of(foreign, api_key="sesame")
        card = await client.ready()
        assert (card.name, card.context, card.wording) == ("m", 99, Wording.FULL)
        assert (card.chat, card.fim) == (True, True)
        assert await client.complete(REQUEST, PARAMS) == FILLED
        await client.aclose()
    assert foreign.keys == {"Bearer sesame"}
    known = {"model", "prompt", "suffix", "max_tokens", "temperature", "top_p", "stream"}
    assert set(foreign.asked("/v1/completions")[0]) == known


async def test_the_settings_name_one_of_its_models() -> None:
    async with running(Foreign([{"id": "one"}, {"id": "two"}])) as foreign:
        client = client_of(foreign, model="two")
        assert (await client.ready()).name == "two"
        await client.aclose()
        with pytest.raises(ServerError, match="serves one, two: set `model`"):
            await client_of(foreign).ready()


async def test_one_that_lists_no_model_is_asked_for_that_of_the_settings() -> None:
    assert (await completed(Foreign([]), model="/models/mine"))[0] == FILLED
    async with running(Foreign([])) as foreign:
        with pytest.raises(ServerError, match="serves no model at all: set `model`"):
            await client_of(foreign).ready()


@pytest.mark.parametrize(
    "foreign",
    [
        Vllm([{"id": "coder", "root": QWEN}]),
        Vllm([{"id": "my-style", "root": "/adapters/mine", "parent": QWEN}]),
        Ollama([{"id": "qwen2.5-coder:7b"}]),
        Ollama([{"id": "unheard-of:latest"}]),
        LlamaCpp([{"id": "unheard-of.gguf"}]),
        LlamaCpp([{"id": "qwen2.5-coder-7b-instruct-q4_k_m.gguf"}]),
        LmStudio([{"id": "qwen2.5-coder-7b-instruct"}]),
        Appending([{"id": QWEN}]),
        Strict([{"id": QWEN}]),
    ],
    ids=lambda foreign: f"{type(foreign).__name__}-{foreign.models[0]['id']}",
)
async def test_the_text_between_prefix_and_suffix(foreign: Foreign) -> None:
    if isinstance(foreign, Ollama):
        foreign.inserts = "unheard" in foreign.models[0]["id"]
    if isinstance(foreign, LlamaCpp):
        foreign.infills = "unheard" in foreign.models[0]["id"]
    assert await completed(foreign) == (FILLED, "stop")


@pytest.mark.parametrize("kind", [Vllm, Ollama, LlamaCpp, LmStudio, Foreign])
@pytest.mark.parametrize("where", ["prefix", "suffix"])
async def test_control_tokens_in_the_users_text_stay_text(kind: type[Foreign], where: str) -> None:
    prefix, suffix = REQUEST.prefix, REQUEST.suffix
    request = CompletionRequest(
        SMUGGLED + prefix if where == "prefix" else prefix,
        suffix + SMUGGLED if where == "suffix" else suffix,
    )
    found, _ = await completed(kind([{"id": QWEN}]), request)
    assert LOST not in found and found == FILLED


async def test_an_answer_that_was_cut_off_says_so() -> None:
    for foreign in (Vllm([{"id": QWEN}]), Ollama([{"id": "qwen2.5-coder"}]), LlamaCpp()):
        async with running(foreign):
            client = client_of(foreign)
            stream = client.stream_complete(REQUEST, SamplingParams(max_tokens=1))
            assert [text async for text in stream] == ["between"]
            assert stream.finish == "length"
            await client.aclose()


async def test_a_stop_text_of_the_users_ends_the_answer() -> None:
    params = SamplingParams(stop=(" and",))
    for foreign in (Vllm([{"id": QWEN}]), Ollama([{"id": "qwen2.5-coder"}]), LlamaCpp()):
        async with running(foreign):
            client = client_of(foreign)
            assert await client.complete(REQUEST, params) == FILLED.partition(" and")[0]
            await client.aclose()


async def test_a_space_that_was_typed_comes_back_once() -> None:
    request = CompletionRequest("x = a ", "\n")
    for foreign in (Vllm([{"id": QWEN}]), LlamaCpp()):
        assert (await completed(foreign, request))[0] == middle("x = a", "\n")


async def test_pieces_of_other_files_go_where_each_server_wants_them() -> None:
    pieces = (Snippet("b.py", "def b(): ..."),)
    request = replace(REQUEST, path="/home/me/shop/a.py", project="/home/me/shop", context=pieces)

    async def sent(foreign: Foreign, path: str) -> dict[str, Any]:
        async with running(foreign):
            client = client_of(foreign)
            assert "context" in (await client.ready()).reads
            await client.complete(request, PARAMS)
            await client.aclose()
        return foreign.asked(path)[-1]

    extra = (await sent(LlamaCpp(), "/infill"))["input_extra"]
    assert extra == [{"filename": "b.py", "text": "def b(): ..."}]
    prompt = (await sent(Vllm([{"id": QWEN}]), "/v1/completions"))["prompt"]
    assert prompt.startswith("<|repo_name|>shop\n<|file_sep|>b.py\ndef b(): ...\n<|file_sep|>a.py")
    prompt = (await sent(Foreign(), "/v1/completions"))["prompt"]
    assert prompt == f"# b.py\n# def b(): ...\n{REQUEST.prefix}"
    asked = (await sent(ChatOnly(), "/v1/chat/completions"))["messages"][0]["content"]
    assert "From b.py:\n```python\ndef b(): ...\n```" in asked


async def test_what_is_asked_at_first_holds_nothing_of_the_users() -> None:
    for foreign in (Foreign(), LlamaCpp(), Ollama(), LmStudio(), Vllm()):
        async with running(foreign):
            client = client_of(foreign)
            await client.ready()
            await client.aclose()
        assert len(foreign.requests) <= 3
        for _, body in foreign.requests:
            assert all(not value or value == "m" for value in body.values())


async def test_a_long_file_is_cut_to_what_the_model_reads() -> None:
    lines = "".join(f"value_{n} = compute({n})\n" for n in range(5000))
    request = CompletionRequest(lines + "last", lines)
    for foreign in (Ollama([{"id": "qwen2.5-coder"}]), LmStudio([{"id": QWEN}]), LlamaCpp()):
        assert (await completed(foreign, request))[0] == middle("last", "value_0")


async def test_the_settings_know_the_format_best() -> None:
    named = Vllm([{"id": "mine"}])
    assert (await completed(named, fim_format="qwen"))[0] == FILLED
    denied = Strict([{"id": QWEN}])
    assert await completed(denied, fim_format="none") == ("on from ['a']", "stop")
    assert all("suffix" not in body for body in denied.asked("/v1/completions"))


async def test_a_chat_model_is_asked_in_its_own_way() -> None:
    foreign = Vllm([{"id": "lmsys/vicuna-13b-v1.3"}])
    assert await completed(foreign) == (" + b", "stop")
    asked = foreign.asked("/v1/chat/completions")[0]
    assert asked["messages"][-1]["content"].endswith("    return a")
    assert REQUEST.suffix.strip() in asked["messages"][0]["content"]


@pytest.mark.parametrize(
    "answer",
    [
        ChatOnly.answer,
        "```python\ndef add(a, b):\n    return a + b\n```",
        "```\n    return a + b\n```\n",
        "    return a + b",
        "return a + b",
        " + b",
    ],
)
async def test_what_a_chat_model_repeats_is_left_out(answer: str) -> None:
    foreign = ChatOnly([{"id": "vicuna-13b"}])
    foreign.answer = answer
    assert await completed(foreign) == (" + b", "stop")


async def test_a_base_model_without_a_way_to_fill_in_continues_the_prefix() -> None:
    foreign = Vllm([{"id": "llama2:7b"}])
    foreign.template = False
    assert await completed(foreign) == ("on from ['a']", "stop")
    assert len(foreign.asked("/v1/chat/completions")) == 2, "what it refused is not asked again"


async def test_one_that_takes_no_suffix_continues_the_prefix() -> None:
    foreign = Strict()
    assert await completed(foreign) == ("on from ['a']", "stop")
    asked = foreign.asked("/v1/completions")
    assert ["suffix" in body for body in asked] == [True, False, False]


async def test_one_that_appends_the_suffix_is_not_believed() -> None:
    request = CompletionRequest(REQUEST.prefix, "\n\nif __name__ == '__main__':\n    main()\n")
    assert (await completed(Appending(), request))[0] == "on from ['a']"


async def test_a_parameter_that_a_newer_model_refuses_is_left_out() -> None:
    foreign = ChatOnly()
    foreign.not_taken = ("max_tokens", "temperature")
    async with running(foreign):
        client = client_of(foreign)
        talk = Conversation((Message("user", "Hello"),))
        assert await client.chat(talk, PARAMS) == foreign.answer
        assert await client.chat(talk, PARAMS) == foreign.answer
        await client.aclose()
    asked = foreign.asked("/v1/chat/completions")
    assert len(asked) == 4 and asked[-1]["max_completion_tokens"] == PARAMS.max_tokens


async def test_an_error_of_the_server_is_told_in_its_words() -> None:
    class Full(Vllm):
        def said(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
            if path == "/v1/completions":
                return 400, {"error": {"message": "maximum context length is 5 tokens"}}
            return super().said(path, body)

    async with running(Full([{"id": QWEN}])) as foreign:
        client = client_of(foreign)
        with pytest.raises(ServerError, match="maximum context length is 5 tokens"):
            await client.complete(REQUEST, PARAMS)
        await client.aclose()


async def test_the_key_of_another_service_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret of another service")
    async with running(Foreign([{"id": "m"}])) as foreign:
        client = client_of(foreign)
        await client.ready()
        await client.aclose()
    assert foreign.keys == {"Bearer none"}


async def test_one_that_is_not_there() -> None:
    client = ModelClient(Settings(server_url="http://127.0.0.1:9/v1"))
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9/v1 cannot be reached.*server_url"):
        await client.ready()
