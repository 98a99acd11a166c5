"""Models on their way here, each by a command that goes on whatever is on the screen."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from assistant.errors import AssistantError
from assistant_tui.models.commands import Commands
from assistant_tui.models.rows import Pull


class Pulls:
    """One at a time for each model. What ends early goes on where it was, whenever that is."""

    def __init__(self, commands: Commands, on_change: Callable[[Pull, bool], object]) -> None:
        """`on_change` is told of every change, and whether all of the model is here now."""
        self._commands = commands
        self._on_change = on_change
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, variant: str) -> None:
        """Fetch a model, or go on with it, unless that is under way."""
        if name not in self._tasks:
            task = asyncio.create_task(self._pull(Pull(name, variant)))
            self._tasks[name] = task
            task.add_done_callback(lambda ended: self._forget(name, ended))

    def stop(self, name: str) -> bool:
        """Stop fetching; what is here stays. Returns whether there was something to stop."""
        if name not in self._tasks:
            return False
        self._tasks[name].cancel()
        return True

    async def finish(self) -> None:
        """Stop all of them, and wait until their commands have ended."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pull(self, pull: Pull) -> None:
        whole = False
        try:
            self._on_change(pull, False)
            async with aclosing(self._commands.pull(pull.name, pull.variant)) as lines:
                async for line in lines:
                    whole = "folder" in line
                    if not whole:
                        pull = replace(pull, **{**line, "name": pull.name})
                        self._on_change(pull, False)
        except asyncio.CancelledError:
            pull = replace(pull, phase="stopped")
        except AssistantError as error:
            pull = replace(pull, phase="failed", problem=str(error))
        self._forget(pull.name, asyncio.current_task())
        self._on_change(pull, whole)

    def _forget(self, name: str, ended: asyncio.Task[None] | None) -> None:
        """It can be started again from now on."""
        if self._tasks.get(name) is ended:
            del self._tasks[name]
