"""The models that a conversation can be had with, each alone and with its adapters."""

from collections.abc import Sequence

from assistant import registry
from assistant.errors import AssistantError
from assistant_tui.controls import visible
from assistant_tui.dialogs import Answer, Choose
from assistant_tui.model import Model

DEFAULT = "default"
"""The answer that names no model: that of the settings, whatever it will be."""


async def offered(model: Model) -> list[str]:
    """The names of the server's models. Raises AssistantError where there is no server."""
    client, _ = await model.loaded()
    return [card.name for card in await client.models() if card.chat]


def on_this_machine() -> list[str]:
    """The names that a server of this machine will know, read from the disk."""
    names = []
    for model in registry.installed():
        names.append(model)
        try:
            names += [f"{model}:{one.name}" for one in registry.adapters() if one.is_for(model)]
        except AssistantError:
            continue
    return names


def choose_model(names: Sequence[str], chosen: str) -> Choose:
    """Ask which model is to answer in a conversation."""
    answers = [Answer(DEFAULT, _marked("The model of the settings", chosen == ""))]
    answers += [Answer(name, _marked(visible(name), name == chosen)) for name in names]
    question = "Which model answers here? One that is not loaded takes the other's place first."
    return Choose("Model", question, answers)


def _marked(label: str, chosen: bool) -> str:
    return f"● {label}" if chosen else f"  {label}"
