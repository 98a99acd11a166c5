"""Where what is known comes from: the disk, the memory plan and the server."""

from collections.abc import AsyncGenerator
from dataclasses import replace

from assistant.errors import AssistantError
from assistant_tui.model import Model
from assistant_tui.models.commands import Commands
from assistant_tui.models.known import Change, Known


async def read(commands: Commands) -> AsyncGenerator[Change, None]:
    """What is on the disk, then what fits: the registry's models first, then folders one by one.

    Raises AssistantError.
    """
    rows = await commands.models()
    yield lambda known: replace(known, rows=rows)
    adapters = await commands.adapters()
    yield lambda known: replace(known, adapters=adapters)
    yield await _plan(commands)
    for row in rows:
        if row.kind == "folder":
            try:
                yield await _plan(commands, row.name)
            except AssistantError:
                continue  # of a shape that nobody can reckon with: it is listed without a plan


async def ask(model: Model) -> Change:
    """What the server says; nothing where there is none, which whoever wants an answer starts."""
    if (ready := model.at_hand) is None:
        return _nobody(model)
    client, card = ready
    try:
        cards = await client.models()
    except AssistantError:
        return _nobody(model)
    return lambda known: known.served(cards, card.full_name, model.paces)


def _nobody(model: Model) -> Change:
    return lambda known: known.served((), "", model.paces)


async def measure(commands: Commands, name: str) -> Change:
    """How fast a model would be here. Raises AssistantError."""
    told = await commands.measure(name)
    return lambda known: known.fitted(told)


async def _plan(commands: Commands, *names: str) -> Change:
    told = await commands.plan(*names)

    def change(known: Known) -> Known:
        return known.fitted(told)

    return change
