"""What a model's name in a request means: a model of this machine, and perhaps an adapter of it."""

import time
from dataclasses import dataclass, replace
from typing import Any

from assistant import registry
from assistant.client.record import ModelChoice
from assistant.errors import AssistantError, ModelNotFoundError
from assistant.prompts import FIM_FORMATS
from assistant.prompts.reading import CONVERSATION_READS, parts_read
from assistant.registry import LocalAdapter
from assistant.server.engines import Card
from assistant.server.host import ModelHost
from assistant.server.refusals import Refusal

SEPARATOR = ":"
"""Between a model's name and its adapter's."""
_BEGAN = int(time.time())
_IN_PATHS = frozenset("/\\\0~")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for."""

    choice: ModelChoice
    adapter: LocalAdapter | None = None


class Catalog:
    """The models that requests may name: the settings' own, and those that are installed."""

    def __init__(self, host: ModelHost) -> None:
        """`host` knows the settings' model, and what has been loaded."""
        self._host = host

    def target(self, name: str) -> Target:
        """What `name` means. Raises Refusal (404) for what is not on this machine.

        A name is looked up among the names there are, and never becomes a part of a path; what
        looks like one is refused before the disk is asked.
        """
        choice = self._home(name)
        if choice is not None:
            return Target(choice)
        if not name or not _IN_PATHS.isdisjoint(name) or name.startswith("."):
            raise _unknown("a model's name is not a path")
        base, separator, adapter = name.partition(SEPARATOR)
        choice = self._home(base) or self._installed(base)
        if choice is None:
            raise _unknown(f"this server has no model {base}: it has {', '.join(self._names())}")
        return Target(choice, self._adapter(base, adapter) if separator else None)

    def entries(self) -> list[dict[str, Any]]:
        """What `/v1/models` lists: the settings' model first, each followed by its adapters."""
        self._host.drop_stale_adapters()
        own = registry.adapters()
        entries = []
        for name in self._names():
            card = self._card(name)
            if card is not None:
                entries.append(self._entry(card, name))
                entries += [self._entry(card, name, one) for one in own if one.is_for(name)]
        return entries

    def entry(self, name: str) -> dict[str, Any]:
        """One of them. Raises Refusal (404) when there is none of that name."""
        target = self.target(name)
        base = self._host.home_name if target.choice == self._host.home else target.choice.model
        card = self._card(base)
        if card is None:
            raise _unknown(f"{base} cannot be loaded")
        return self._entry(card, base, target.adapter)

    def _entry(self, card: Card, name: str, adapter: LocalAdapter | None = None) -> dict[str, Any]:
        choice = self._home(name) or self._installed(name)
        loaded = choice is not None and self._host.is_loaded(choice, adapter)
        shown = _entry(card) if adapter is None else _adapted(card, adapter)
        return shown | {"loaded": loaded}

    def _home(self, name: str) -> ModelChoice | None:
        home = self._host.home
        return home if name in (home.model, self._host.home_name) else None

    def _installed(self, name: str) -> ModelChoice | None:
        # The name as it stands in the list, not as it came.
        for known in _installed_names():
            if known == name:
                return replace(self._host.home, model=known, adapter=None, draft_model=None)
        return None

    def _names(self) -> list[str]:
        home = self._host.home_name
        return [home, *(name for name in _installed_names() if name != home)]

    def _adapter(self, base: str, name: str) -> LocalAdapter:
        try:
            adapter = registry.adapter_named(name)
        except ModelNotFoundError as error:
            raise _unknown(str(error)) from error
        if not adapter.is_for(base):
            raise _unknown(f"the adapter {adapter.name} is for {adapter.base}, not for {base}")
        return adapter

    def _card(self, name: str) -> Card | None:
        """What is known of a model; None when it cannot be used."""
        choice = self._home(name) or self._installed(name)
        if choice in self._host.cards:
            return self._host.cards[choice]
        try:
            local = registry.locate(name)
        except AssistantError:
            return None
        fim_format = FIM_FORMATS.get(local.fim_format or "")
        return Card(
            name=name,
            context=local.context,
            wording=local.wording,
            chat=True,
            fim=fim_format is not None,
            reads=parts_read(fim_format) if fim_format else CONVERSATION_READS,
            description=f"{name}: on this machine, loaded when it is asked for",
        )


def _installed_names() -> list[str]:
    names = []
    for name, variants in registry.installed().items():
        names.append(name)
        if "gptq" in variants:
            names.append(f"{name}-gptq")
    return names


def _unknown(message: str) -> Refusal:
    return Refusal(404, message, code="model_not_found", param="model")


def _entry(card: Card) -> dict[str, Any]:
    """A model as OpenAI's API lists it, with what the assistant's front ends want to know."""
    return {
        "id": card.name,
        "object": "model",
        "created": _BEGAN,
        "owned_by": "local",
        "parent": None,
        "context": card.context,
        "wording": card.wording,
        "chat": card.chat,
        "fim": card.fim,
        "reads": list(card.reads),
        "description": card.description,
        "adapter": card.adapter,
    }


def _adapted(card: Card, adapter: LocalAdapter) -> dict[str, Any]:
    return _entry(card) | {
        "id": f"{card.name}{SEPARATOR}{adapter.name}",
        "parent": card.name,
        "description": f"{card.name} with the adapter {adapter.name}",
        "adapter": adapter.name,
    }
