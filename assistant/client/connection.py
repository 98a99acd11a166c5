"""A connection to one server, this machine's own or another one named in the settings."""

import asyncio
import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from assistant import paths
from assistant.client.answer import Pieces
from assistant.client.record import ServerRecord
from assistant.errors import ServerError
from assistant.messages import CompletionRequest, SamplingParams
from assistant.prompts.reading import CONVERSATION_READS, Part
from assistant.prompts.tasks import Wording

if TYPE_CHECKING:
    import openai

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a front end wants to know of the model that answers."""

    name: str
    context: int | None
    """How many tokens it reads, or None where the server doesn't say."""
    wording: Wording
    chat: bool
    """Whether it takes conversations."""
    fim: bool
    """Whether it fills in text between a prefix and a suffix."""
    reads: tuple[Part, ...]
    """What of a completion request it gets to read, in its order."""
    description: str
    adapter: str | None = None
    """The adapter that it answers with, as far as the server says."""
    loaded: bool | None = None
    """Whether it is in memory, or None where the server doesn't say."""

    @property
    def full_name(self) -> str:
        """`NAME:ADAPTER` where it answers with an adapter, however the server calls it."""
        if self.adapter in (None, self.name) or self.name.endswith(f":{self.adapter}"):
            return self.name
        return f"{self.name}:{self.adapter}"

    @property
    def base_name(self) -> str:
        """The model's name without the adapter."""
        return self.name.removesuffix(f":{self.adapter}")


@dataclass
class Connection:
    """An open client, and what is behind it."""

    openai: "openai.AsyncOpenAI"
    url: str
    record: ServerRecord | None
    """This machine's own server, or None for another one."""
    card: ModelCard
    ways: "tuple[Way, ...]" = ()
    """How another server may be asked for a completion, the best first."""
    not_taken: set[str] = field(default_factory=set)
    """Parameters that the model refuses."""

    @property
    def own(self) -> bool:
        """Whether the server is this machine's own."""
        return self.record is not None

    @property
    def root(self) -> str:
        """The server's address without the part for OpenAI's API."""
        return self.url.rstrip("/").removesuffix("/v1")


class Way(ABC):
    """One way of asking for the text at a cursor."""

    @property
    def fills_in(self) -> bool:
        """Whether the model is shown what stands behind the cursor as it was taught to read it."""
        return True

    @property
    def reads(self) -> tuple[Part, ...]:
        """What of a request the model gets to read, in its order as far as that is known."""
        return ("context", "prefix", "suffix")

    @abstractmethod
    def pieces(
        self, connection: Connection, request: CompletionRequest, params: SamplingParams
    ) -> Pieces:
        """The answer. Raises openai's errors."""


async def connect_own(record: ServerRecord) -> Connection:
    """A connection to this machine's own server, which is ready."""
    try:
        token = paths.token_file().read_text().strip()
    except OSError as error:
        raise ServerError(f"the model server's key cannot be read: {error}") from error
    # Waiting for a turn, or for a long prompt to be read, has no limit: a server that dies
    # meanwhile closes the connection.
    # Each front end is somebody of its own, so that the server shares its time among them.
    client = await open_client(
        f"{record.url}/v1",
        token,
        timeout=None,
        max_retries=0,
        default_headers={"X-Client": f"assistant-{os.getpid()}"},
    )
    try:
        entry = (await list_models(client))[0]
    except BaseException:
        await client.close()
        raise
    return Connection(client, record.url, record, card_of(entry))


async def open_client(url: str, key: str, **options: Any) -> "openai.AsyncOpenAI":
    """A client of the `openai` package, whose import is waited for elsewhere.

    It takes a second, in which an editor's other requests are not to wait.
    """
    package = await asyncio.to_thread(importlib.import_module, "openai")
    # A proxy of the environment is for the network; on loopback it would get to see the text.
    trust_env = urlsplit(url).hostname not in _LOOPBACK
    http_client = package.DefaultAsyncHttpxClient(trust_env=trust_env)
    client: openai.AsyncOpenAI = package.AsyncOpenAI(
        base_url=url, api_key=key, http_client=http_client, **options
    )
    return client


async def list_models(client: "openai.AsyncOpenAI") -> list[dict[str, Any]]:
    """The entries of the server's list of models. Raises openai's errors."""
    return [entry.model_dump() async for entry in await client.models.list()]


def card_of(entry: Mapping[str, Any]) -> ModelCard:
    """The entry of a list of models as a card; other servers say little, and it is filled up."""
    context = entry.get("context") or entry.get("max_model_len")
    return ModelCard(
        name=entry["id"],
        context=context if isinstance(context, int) else None,
        wording=Wording(entry.get("wording", Wording.FULL.value)),
        chat=bool(entry.get("chat", True)),
        fim=bool(entry.get("fim", True)),
        reads=_parts(entry.get("reads")),
        description=str(entry.get("description") or entry["id"]),
        adapter=_adapter(entry),
        loaded=loaded if isinstance(loaded := entry.get("loaded"), bool) else None,
    )


def _parts(listed: object) -> tuple[Part, ...]:
    names = listed if isinstance(listed, list) else CONVERSATION_READS
    return tuple(part for part in names if part in get_args(Part))


def _adapter(entry: Mapping[str, Any]) -> str | None:
    """Our server names it; vLLM lists an adapter as a model that has a parent."""
    named, parent = entry.get("adapter"), entry.get("parent")
    if isinstance(named, str):
        return named
    return str(entry["id"]) if isinstance(parent, str) and parent != entry["id"] else None
