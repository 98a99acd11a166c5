"""A connection to a server that is not this machine's own, named by its URL in the settings."""

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assistant.client.backends import identify
from assistant.client.connection import Connection, card_of, list_models, open_client
from assistant.client.filling import ways_to_fill_in
from assistant.errors import ServerError
from assistant.registry import STARTER

if TYPE_CHECKING:
    import openai

    from assistant.config import Settings

_RETRIES = 2


async def connect_foreign(settings: "Settings") -> Connection:
    """A connection to the server that the settings name. Raises openai's errors, ServerError."""
    url = settings.server_url or ""
    client = await open_client(url, settings.api_key or "none", max_retries=_RETRIES)
    try:
        entry = _chosen(await _listed(client), settings.model, url)
        connection = Connection(client, url, None, card_of(entry))
        backend = await identify(client, connection.root, entry)
    except BaseException:
        await client.close()
        raise
    connection.ways = ways_to_fill_in(backend, settings.fim_format)
    connection.card = replace(
        connection.card,
        context=connection.card.context or backend.context,
        fim=connection.ways[0].fills_in,
        reads=connection.ways[0].reads,
        description=f"{connection.card.name} at {url}",
    )
    return connection


async def _listed(client: "openai.AsyncOpenAI") -> list[dict[str, Any]]:
    """The models that a server lists; none where it fails at that, as some do."""
    try:
        return await list_models(client)
    except importlib.import_module("openai").InternalServerError:
        return []


def _chosen(entries: list[dict[str, Any]], wanted: str, url: str) -> dict[str, Any]:
    """The wanted model of those that a server lists, or the only one there is.

    Some list none and serve what they are asked for.
    """
    for entry in entries:
        if entry["id"] == wanted:
            return entry
    if len(entries) == 1:
        return entries[0]
    if not entries and wanted != STARTER:
        return {"id": wanted}
    names = ", ".join(entry["id"] for entry in entries) or "no model at all"
    raise ServerError(f"{url} serves {names}: set `model` in the settings to one of its models")
