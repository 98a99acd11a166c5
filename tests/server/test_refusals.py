"""What is refused, and how the official client sees it."""

import logging
import threading
from typing import Any

import openai
import pytest

from assistant.client.record import ModelChoice
from assistant.errors import ModelFolderError
from assistant.loopback import is_loopback_name
from assistant.server.engines import Served
from assistant.server.limits import Limits
from tests.server.live import TOKEN, Live, live
from tests.server.scripted_engine import ScriptedLoader

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


def post(server: Live, path: str = "/v1/chat/completions", **options: Any) -> Any:
    return server.http("POST", path, **options)


def message_of(error: pytest.ExceptionInfo[openai.APIError]) -> str:
    body = error.value.body
    assert isinstance(body, dict)
    assert set(body) == {"message", "type", "param", "code"}
    return str(body["message"])


@pytest.mark.parametrize("token", ["wrong", "wröng"])
def test_a_wrong_token(server: Live, token: str) -> None:
    response = post(server, headers={"Authorization": f"Bearer {token}".encode()})
    assert response.status_code == 401
    with pytest.raises(openai.AuthenticationError):
        server.client("wrong").models.list()


@pytest.mark.parametrize("path", ["/", "/v1/models", "/v1/chat/completions", "/docs", "/nothing"])
def test_no_token(server: Live, path: str) -> None:
    with openai.DefaultHttpxClient(trust_env=False) as http:
        assert http.get(f"{server.url}{path}").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
@pytest.mark.parametrize("path", ["/health", "/v1/models"])
def test_a_foreign_host_name(server: Live, host: str, path: str) -> None:
    headers = {"Host": host, "Authorization": f"Bearer {TOKEN}"}
    with openai.DefaultHttpxClient(trust_env=False) as http:
        response = http.get(f"{server.url}{path}", headers=headers)
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "foreign_host"
    client = server.client().with_options(default_headers={"Host": "evil.example"})
    with pytest.raises(openai.PermissionDeniedError):
        client.models.list()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1:80", True),
        ("LOCALHOST", True),
        ("[::1]:9", True),
        ("[::1]", True),
        ("::1", False),
        ("127.0.0.1:x", False),
        ("localhost.evil.example:80", False),
    ],
)
def test_loopback_names(host: str, loopback: bool) -> None:
    assert is_loopback_name(host) is loopback


@pytest.mark.parametrize(
    "parameters",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"logit_bias": {"5": 100}},
        {"presence_penalty": 0.5},
        {"reasoning_effort": "high"},
        {"extra_body": {"top_k": 3}},
    ],
)
def test_what_is_not_supported_is_named(server: Live, parameters: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        server.client().chat.completions.create(model="scripted", messages=HELLO, **parameters)
    name = next(iter(parameters.get("extra_body", parameters)))
    assert name in message_of(error)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "no user or assistant message"),
        ({"messages": [{"role": "tool", "content": ""}]}, "role"),
        ({"messages": [*HELLO, {"role": "system", "content": ""}]}, "may only stand first"),
        ({"messages": [{**HELLO[0], "name": "me"}]}, "name"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "only parts of"),
        ({"model": 5}, "model"),
        ({"top_p": 0}, "top_p"),
        ({"stop": ["1", "2", "3", "4", "5"]}, "at most 4"),
        ({"stop": ""}, "stop"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "send one of them"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"seed": 2**70}, "seed"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"top_logprobs": 3}, "needs logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logprobs": 2}, "logprobs"),
        ({"priority": "urgent"}, "priority"),
        ({"response_format": {"type": "json"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "json_schema belongs"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "schema"),
    ],
)
def test_a_wrong_request(server: Live, changes: dict[str, Any], said: str) -> None:
    response = post(server, json={"model": "scripted", "messages": HELLO, **changes})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert said in response.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"text"'])
def test_a_body_that_is_no_request(server: Live, body: bytes) -> None:
    response = post(server, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2, 3], []])
def test_a_completion_of_anything_but_one_text(server: Live, prompt: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        server.client().completions.create(model="scripted", prompt=prompt)


def test_another_model(server: Live) -> None:
    with pytest.raises(openai.NotFoundError, match="no model gpt: it has scripted, starter"):
        server.client().chat.completions.create(model="gpt", messages=HELLO)
    with pytest.raises(openai.NotFoundError):
        server.client().models.retrieve("gpt")


def test_no_such_route(server: Live) -> None:
    assert post(server, "/v1/embeddings", json={}).json()["error"]["message"] == "Not Found"


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_is_too_large(server: Live, chunked: bool) -> None:
    body = b"x" * (Limits().body_bytes + 1)
    response = post(server, content=iter([body[:9], body[9:]]) if chunked else body)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"


@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_that_is_too_long(server: Live, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match="900 tokens"):
        server.client().completions.create(model="scripted", prompt="too long", stream=stream)


@pytest.mark.parametrize("stream", [True, False])
def test_a_bug_is_logged_without_the_users_text(
    server: Live, caplog: pytest.LogCaptureFixture, stream: bool
) -> None:
    with caplog.at_level(logging.DEBUG, "assistant"), pytest.raises(openai.InternalServerError):
        server.client().completions.create(model="scripted", prompt="bug", stream=stream)
    assert "RuntimeError" in caplog.text
    assert "scripted_engine.py" in caplog.text
    assert "the words" not in caplog.text


def test_a_bug_in_the_middle_of_a_stream(server: Live, caplog: pytest.LogCaptureFixture) -> None:
    stream = server.client().completions.create(model="scripted", prompt="bug midway", stream=True)
    assert next(stream).choices[0].text == "begin"
    with pytest.raises(openai.APIError, match="RuntimeError") as error:
        next(stream)
    assert "the words" not in message_of(error)
    assert "the words" not in caplog.text
    answer = server.client().completions.create(model="scripted", prompt="well again")
    assert answer.choices[0].text == "wellagain"


class Never(ScriptedLoader):
    """Loads until the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def load(self, choice: ModelChoice) -> Served:
        self.over.wait()
        return super().load(choice)


class Broken(ScriptedLoader):
    """Its models are damaged."""

    def load(self, choice: ModelChoice) -> Served:
        raise ModelFolderError("config.json is missing from the folder")


def test_while_the_model_is_loading() -> None:
    loader = Never()
    with live(loader, "starter", until_loaded=False) as server:
        with pytest.raises(openai.InternalServerError, match="loading starter") as error:
            server.client().models.list()
        assert error.value.status_code == 503
        assert int(error.value.response.headers["Retry-After"]) > 0
        assert server.health()["status"] == "loading"
        loader.over.set()


def test_when_the_model_could_not_be_loaded() -> None:
    with live(Broken(), "starter") as server:
        with pytest.raises(openai.InternalServerError, match=r"config\.json is missing") as error:
            server.client().models.list()
        assert error.value.status_code == 503
        assert "Retry-After" not in error.value.response.headers
