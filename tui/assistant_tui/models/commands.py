"""What the room asks of the command line, which reads and changes what is on the disk."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from assistant_tui import command_line
from assistant_tui.models.rows import AdapterRow, ModelRow


class Commands:
    """All of it. Every method raises AssistantError with the command's own words."""

    async def models(self) -> tuple[ModelRow, ...]:
        """Every model that is known, and what of it is on this machine."""
        return tuple(map(ModelRow.of, await command_line.answer_of("models", "list")))

    async def adapters(self) -> tuple[AdapterRow, ...]:
        """The adapters on this machine."""
        return tuple(map(AdapterRow.of, await command_line.answer_of("adapters", "list")))

    async def plan(self, *names: str) -> Any:
        """What fits, of these or of all in the registry; as the command tells it."""
        return await command_line.answer_of("models", "plan", *names, "--memory-only")

    async def measure(self, name: str) -> Any:
        """The same of one model, with its speed: some seconds of all processors."""
        return await command_line.answer_of("models", "plan", name, "--measure")

    async def pull(self, name: str, variant: str) -> AsyncGenerator[dict[str, Any], None]:
        """Fetch a model; tells how far it is. Closing it ends the fetching."""
        lines = command_line.lines_of("models", "pull", name, "--variant", variant)
        async with aclosing(lines):
            async for line in lines:
                yield line

    async def remove(self, name: str) -> str:
        """Delete a model; what there is to say of it."""
        return await command_line.done("models", "rm", name, "--yes")

    async def change_adapter(self, *arguments: str) -> str:
        """Use, use none, bring back or delete, as `assistant adapters` takes it."""
        return await command_line.done("adapters", *arguments)
