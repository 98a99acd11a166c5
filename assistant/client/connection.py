"""A connection to one server, this machine's own or another one named in the settings."""

import asyncio
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assistant import paths
from assistant.client.record import ServerRecord
from assistant.errors import ServerError
from assistant.prompts.tasks import Wording

if TYPE_CHECKING:
    import openai

    from assistant.config import Settings

_FOREIGN_RETRIES = 2
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
    description: str


@dataclass
class Connection:
    """An open client, and what is behind it."""

    openai: "openai.AsyncOpenAI"
    url: str
    record: ServerRecord | None
    """This machine's own server, or None for another one."""
    card: ModelCard
    sends_suffix: bool = True

    @property
    def own(self) -> bool:
        """Whether the server is this machine's own."""
        return self.record is not None


async def connect_own(record: ServerRecord) -> Connection:
    """A connection to this machine's own server, which is ready."""
    try:
        token = paths.token_file().read_text().strip()
    except OSError as error:
        raise ServerError(f"the model server's key cannot be read: {error}") from error
    # Waiting for a turn, or for a long prompt to be read, has no limit: a server that dies
    # meanwhile closes the connection.
    client = await _client(f"{record.url}/v1", token, timeout=None, max_retries=0)
    return await _connected(client, record.url, record, record.choice.model)


async def connect_foreign(settings: "Settings") -> Connection:
    """A connection to the server that the settings name."""
    url = settings.server_url or ""
    key = settings.api_key or "none"
    client = await _client(url, key, max_retries=_FOREIGN_RETRIES)
    return await _connected(client, url, None, settings.model)


async def _client(url: str, key: str, **options: Any) -> "openai.AsyncOpenAI":
    # The import takes a second, in which an editor's other requests are not to wait.
    package = await asyncio.to_thread(importlib.import_module, "openai")
    # A proxy of the environment is for the network; on loopback it would get to see the text.
    trust_env = urlsplit(url).hostname not in _LOOPBACK
    http_client = package.DefaultAsyncHttpxClient(trust_env=trust_env)
    client: openai.AsyncOpenAI = package.AsyncOpenAI(
        base_url=url, api_key=key, http_client=http_client, **options
    )
    return client


async def _connected(
    client: "openai.AsyncOpenAI", url: str, record: ServerRecord | None, wanted: str
) -> Connection:
    """With the card of the model to use. Raises openai's errors, and ServerError."""
    try:
        entries = [entry.model_dump() async for entry in await client.models.list()]
        entry = entries[0] if record else _chosen(entries, wanted, url)
    except BaseException:
        await client.close()
        raise
    return Connection(client, url, record, _card(entry))


def _chosen(entries: list[dict[str, Any]], wanted: str, url: str) -> dict[str, Any]:
    """The wanted model of those that a server lists, or the only one there is."""
    for entry in entries:
        if entry["id"] == wanted:
            return entry
    if len(entries) == 1:
        return entries[0]
    names = ", ".join(entry["id"] for entry in entries) or "no model at all"
    raise ServerError(f"{url} serves {names}: set `model` in the settings to one of its models")


def _card(entry: dict[str, Any]) -> ModelCard:
    """The entry of a list of models as a card; other servers say little, and it is filled up."""
    context = entry.get("context") or entry.get("max_model_len")
    return ModelCard(
        name=entry["id"],
        context=context if isinstance(context, int) else None,
        wording=Wording(entry.get("wording", Wording.FULL.value)),
        chat=bool(entry.get("chat", True)),
        fim=bool(entry.get("fim", True)),
        description=str(entry.get("description") or entry["id"]),
    )
