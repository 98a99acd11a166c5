"""Servers in the manner of others: what they say of themselves, take, refuse and answer.

Behind each is the same model, which fills in as Qwen2.5-Coder was taught to: it finds control
tokens in all of a prompt, and is lost when they are not where it learned them.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

FIM = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
CONTROL = re.compile(r"(<\|[a-z_]+\|>)")
LOST = "lost"
Json = dict[str, Any]


def middle(prefix: str, suffix: str) -> str:
    """What the model fills in."""
    return f"between {prefix.split()[-1:]} and {suffix.split()[:1]}"


def answered(prompt: str) -> str:
    """All that the model writes behind `prompt`, as Qwen's base models write on after their end."""
    parts = CONTROL.split(prompt)
    if tuple(parts[1::2]) == FIM and parts[0] == parts[-1] == "":
        return middle(parts[2], parts[4]) + "<|endoftext|><|file_sep|>other.py\nimport os"
    if len(parts) > 1:
        return f"<|fim_pad|>{LOST}"
    return f"on from {prompt.split()[-1:]}"


@dataclass
class Foreign:
    """A server that takes OpenAI's `suffix`; most don't."""

    models: list[Json] = field(default_factory=lambda: [{"id": "m"}])
    url: str = ""
    keys: set[str] = field(default_factory=set)
    requests: list[tuple[str, Json]] = field(default_factory=list)
    """The paths that were asked and what was sent there."""
    paths: ClassVar[Sequence[str]] = ("/v1/completions",)

    def said(self, path: str, body: Json) -> tuple[int, Json] | None:
        """A whole answer: what the server says of itself, or a refusal."""
        if path == "/v1/models":
            return 200, {"object": "list", "data": self.models}
        return None if path in self.paths else (404, {"detail": "Not Found"})

    def text(self, path: str, body: Json) -> str:
        """What the model writes."""
        if body.get("suffix"):
            return middle(body["prompt"], body["suffix"])
        return answered(body["prompt"])

    def line(self, path: str, text: str, finish: str | None) -> str:
        """A piece of an answer on its way."""
        chat = "chat" in path
        choice: Json = {"index": 0, "finish_reason": finish}
        choice |= {"delta": {"content": text}} if chat else {"text": text}
        kind = "chat.completion.chunk" if chat else "text_completion"
        piece = {"id": "1", "object": kind, "created": 1, "model": "m", "choices": [choice]}
        return f"data: {json.dumps(piece)}\n\n"

    end = "data: [DONE]\n\n"

    def asked(self, *paths: str) -> list[Json]:
        """What was sent to these paths."""
        return [body for path, body in self.requests if path in paths]

    def _lines(self, path: str, body: Json) -> Iterator[str]:
        text = self.text(path, body)
        options = {**body, **body.get("options", {})}
        names = ("max_tokens", "max_completion_tokens", "n_predict", "num_predict")
        most = next(options[name] for name in names if name in options)
        stops = [place for s in options.get("stop", ()) if (place := text.find(s)) >= 0]
        tokens = re.findall(r"\s*\S+|\s+", text[: min(stops, default=len(text))])
        for token in tokens[:most]:
            yield self.line(path, token, None)
        yield self.line(path, "", "stop" if len(tokens) <= most else "length")
        yield self.end

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        async def answer(path: str, request: Request) -> Response:
            path = f"/{path}"
            self.keys.add(request.headers["authorization"])
            body = json.loads(await request.body() or "{}")
            self.requests.append((path, body))
            if (said := self.said(path, body)) is not None:
                return JSONResponse(said[1], said[0])
            return StreamingResponse(self._lines(path, body), media_type="text/event-stream")

        return app


class Vllm(Foreign):
    """vLLM: refuses `suffix`, and leaves control tokens out of its text unless told otherwise."""

    paths = ("/v1/completions", "/v1/chat/completions")
    template = True

    def said(self, path: str, body: Json) -> tuple[int, Json] | None:
        if path == "/v1/models":
            data = [{"owned_by": "vllm", "max_model_len": 2048, **entry} for entry in self.models]
            return 200, {"object": "list", "data": data}
        if "suffix" in body:
            return _bad("suffix is not currently supported")
        if "chat" in path and not self.template:
            return _bad("you must provide a chat template if the tokenizer does not define one.")
        return super().said(path, body)

    def text(self, path: str, body: Json) -> str:
        if "chat" in path:
            return self.chatted(body["messages"], continued=body.get("continue_final_message"))
        text = super().text(path, body)
        return text if body.get("skip_special_tokens") is False else CONTROL.sub("", text)

    def chatted(self, messages: list[Json], *, continued: bool | None) -> str:
        """A chat model's answer, which goes on in the block of code that was begun for it."""
        assert continued and messages[-1]["role"] == "assistant"
        return " + b\n```\nI hope this helps."


class ChatOnly(Foreign):
    """A server for chat alone, whose model repeats before it goes on, as it is told to."""

    paths = ("/v1/chat/completions",)
    answer = "Here you go:\n\n```python\ndef add(a, b):\n    return a + b\n```\nDone."
    not_taken: Sequence[str] = ()

    def said(self, path: str, body: Json) -> tuple[int, Json] | None:
        for name in self.not_taken:
            if name in body:
                status, refusal = _bad(f"Unsupported parameter: '{name}'")
                return status, {"error": {**refusal["error"], "param": name}}
        return super().said(path, body)

    def text(self, path: str, body: Json) -> str:
        assert body["messages"][-1]["role"] == "user"
        return self.answer


class LlamaCpp(Foreign):
    """llama.cpp's server: ignores `suffix`, and has `/infill` for models with the tokens for it."""

    paths = ("/v1/completions", "/infill")
    infills = True
    end = ""

    def said(self, path: str, body: Json) -> tuple[int, Json] | None:
        if path == "/v1/models":
            data = [{"owned_by": "llamacpp", **entry} for entry in self.models]
            return 200, {"object": "list", "data": data}
        if path == "/props":
            return 200, {"default_generation_settings": {"n_ctx": 4096}, "model_path": "/m.gguf"}
        if path == "/infill" and not self.infills:
            told = "Infill is not supported by this model: prefix token is missing. "
            return 501, {"error": {"code": 501, "message": told, "type": "not_supported_error"}}
        if path == "/infill" and body["n_predict"] == 0:
            return 200, {"content": "", "stop": True, "stop_type": "limit"}
        return super().said(path, body)

    def text(self, path: str, body: Json) -> str:
        if path == "/infill":
            return middle(body["input_prefix"], body["input_suffix"])
        return answered(body["prompt"])

    def line(self, path: str, text: str, finish: str | None) -> str:
        if path != "/infill":
            return super().line(path, text, finish)
        ending = {"stop_type": "limit" if finish == "length" else "eos"} if finish else {}
        return f"data: {json.dumps({'content': text, 'stop': bool(finish), **ending})}\n\n"


class Ollama(Foreign):
    """Ollama: its /v1/completions takes a prompt for a question, and long prompts lose their start.

    Tokens are reckoned at three characters, which is short for code.
    """

    paths = ("/v1/completions", "/api/generate")
    inserts = False
    context = 4096
    end = ""

    def said(self, path: str, body: Json) -> tuple[int, Json] | None:
        if path == "/v1/models":
            data = [{"owned_by": "library", **entry} for entry in self.models]
            return 200, {"object": "list", "data": data}
        if path == "/api/show":
            capabilities = ["completion", "insert"] if self.inserts else ["completion"]
            return 200, {"capabilities": capabilities, "model_info": {}, "parameters": ""}
        if path == "/api/ps":
            return 200, {"models": []}
        if path == "/api/generate" and body.get("suffix") and not self.inserts:
            return 400, {
                "error": f"registry.ollama.ai/library/{body['model']} does not support insert"
            }
        return super().said(path, body)

    def text(self, path: str, body: Json) -> str:
        if body.get("suffix"):
            return middle(body["prompt"], body["suffix"])
        if not body.get("raw"):
            return "Sure! What would you like to know?"
        return answered(body["prompt"][-3 * self.context :])

    def line(self, path: str, text: str, finish: str | None) -> str:
        if path != "/api/generate":
            return super().line(path, text, finish)
        ending = {"done_reason": finish} if finish else {}
        return json.dumps({"model": "m", "response": text, "done": bool(finish), **ending}) + "\n"


class LmStudio(Foreign):
    """LM Studio, which ignores `suffix`."""

    def said(self, path: str, body: Json) -> tuple[int, Json] | None:
        if path == "/v1/models":
            data = [{"owned_by": "organization_owner", **entry} for entry in self.models]
            return 200, {"object": "list", "data": data}
        if path == "/api/v0/models":
            data = [{"id": entry["id"], "loaded_context_length": 3072} for entry in self.models]
            return 200, {"object": "list", "data": data}
        return super().said(path, body)

    def text(self, path: str, body: Json) -> str:
        return answered(body["prompt"])


class Appending(Foreign):
    """One that only puts `suffix` behind what it made of the prompt, as `transformers serve`."""

    def text(self, path: str, body: Json) -> str:
        return answered(body["prompt"]) + str(body.get("suffix", ""))


class Strict(Foreign):
    """One that only continues text, and says so."""

    def said(self, path: str, body: Json) -> tuple[int, Json] | None:
        return _bad("suffix is not supported") if "suffix" in body else super().said(path, body)


def _bad(message: str) -> tuple[int, Json]:
    return 400, {"error": {"message": message, "type": "BadRequestError", "code": 400}}


@asynccontextmanager
async def running(foreign: Foreign) -> AsyncIterator[Foreign]:
    config = uvicorn.Config(foreign.app(), port=0, log_config=None, access_log=False)
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    foreign.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    yield foreign
    server.should_exit = True
    await serving
