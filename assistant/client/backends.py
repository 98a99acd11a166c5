"""What is behind a URL: asked with a few quick requests that hold nothing of the user's."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openai

PROBE_SECONDS = 3.0
"""A server that loads a model may not answer; it is then taken for one that is not known."""
OLLAMA_CONTEXT = 4096
"""Tokens that Ollama gives a model unless it is told otherwise; it drops a longer text's start."""


class Kind(Enum):
    """A kind of server, by how it wants to be asked."""

    LLAMA_CPP = "llama.cpp"
    LLAMA_CPP_PYTHON = "llama-cpp-python"
    OLLAMA = "Ollama"
    VLLM = "vLLM"
    LM_STUDIO = "LM Studio"
    OTHER = "another server"


_OWNERS = {
    "llamacpp": Kind.LLAMA_CPP,
    "me": Kind.LLAMA_CPP_PYTHON,
    "library": Kind.OLLAMA,
    "vllm": Kind.VLLM,
    "organization_owner": Kind.LM_STUDIO,
}
"""What they say in `owned_by` of a model in `/v1/models`."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A server and its model, as far as it says."""

    kind: Kind
    names: tuple[str, ...]
    """What the model may be known by, the most telling first."""
    context: int | None = None
    """How many tokens it reads."""
    fills_in: bool = False
    """Whether the server itself knows how this model fills in."""


async def identify(client: "openai.AsyncOpenAI", root: str, entry: Mapping[str, Any]) -> Backend:
    """What serves the model of `entry` at `root`. Never fails: what doesn't answer isn't known."""
    asked = _Asked(client, root, str(entry["id"]))
    kind = _OWNERS.get(str(entry.get("owned_by"))) or await _kind(asked)
    names = [entry.get(key) for key in ("root", "parent", "id")]
    known = Backend(
        kind, tuple(str(name) for name in names if name), _number(entry.get("max_model_len"))
    )
    if kind is Kind.LLAMA_CPP:
        return await _llama_cpp(asked, known)
    if kind is Kind.OLLAMA:
        return await _ollama(asked, known)
    if kind is Kind.LM_STUDIO:
        return await _lm_studio(asked, known)
    return known


async def _kind(asked: "_Asked") -> Kind:
    """By an address that only one kind has, for models whose owner is a person."""
    ollama, props = await asyncio.gather(asked.get("/api/version"), asked.get("/props"))
    if "default_generation_settings" in props:
        return Kind.LLAMA_CPP
    return Kind.OLLAMA if "version" in ollama else Kind.OTHER


async def _llama_cpp(asked: "_Asked", known: Backend) -> Backend:
    empty = {"input_prefix": "", "input_suffix": "", "prompt": "", "n_predict": 0}
    props, filled = await asyncio.gather(asked.get("/props"), asked.post("/infill", empty))
    settings = props.get("default_generation_settings")
    context = _number(settings.get("n_ctx")) if isinstance(settings, dict) else None
    file = props.get("model_path")
    names = (*known.names, file) if isinstance(file, str) else known.names
    return Backend(known.kind, names, context, fills_in="content" in filled)


async def _ollama(asked: "_Asked", known: Backend) -> Backend:
    shown, running = await asyncio.gather(asked.post("/api/show", {}), asked.get("/api/ps"))
    info = shown.get("model_info")
    info = info if isinstance(info, dict) else {}
    base = "-".join(str(info.get(f"general.{key}") or "") for key in ("basename", "size_label"))
    context = OLLAMA_CONTEXT
    if own := re.search(r"^num_ctx\s+(\d+)", str(shown.get("parameters") or ""), re.MULTILINE):
        context = int(own[1])
    for model in running.get("models") or ():
        if asked.model in (model.get("name"), model.get("model")):
            context = _number(model.get("context_length")) or context
    inserts = "insert" in (shown.get("capabilities") or ())
    return Backend(known.kind, (*known.names, base.strip("-")), context, fills_in=inserts)


async def _lm_studio(asked: "_Asked", known: Backend) -> Backend:
    listed = await asked.get("/api/v0/models")
    for model in listed.get("data") or ():
        if model.get("id") == asked.model:
            return Backend(known.kind, known.names, _number(model.get("loaded_context_length")))
    return known


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """Asks a server about one of its models; an answer that doesn't come is an empty one."""

    client: "openai.AsyncOpenAI"
    root: str
    model: str

    async def get(self, path: str) -> dict[str, Any]:
        options = {"params": {"model": self.model}} if path == "/props" else {}
        return await self._answer("get", path, options=options)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._answer("post", path, body={"model": self.model, **body})

    async def _answer(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        quick: Any = self.client.with_options(timeout=PROBE_SECONDS, max_retries=0)
        try:
            found = await getattr(quick, method)(self.root + path, cast_to=object, **request)
        except Exception:  # whatever a server does with a question that it doesn't know
            return {}
        return found if isinstance(found, dict) else {}
