"""A process that trains begun: it outlives this one, which only waits to hear of it."""

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path

from assistant_tui.command_line import answer_of, begin, last_words
from assistant_tui.training.runs import Run, log_of

_SECONDS = 0.2
_INTERRUPTED = 130
"""How a command that was stopped ends."""


@dataclass
class Begun:
    """A process that was begun here."""

    process: "subprocess.Popen[bytes]"
    log: Path
    is_new: bool
    """Whether it is to make a run, instead of going on with one."""
    run: Run | None = None
    """Its run, once that was seen."""

    def is_of(self, run: Run) -> bool:
        """Whether it trains that run."""
        return run.process == self.process.pid

    async def ended(self) -> str:
        """Wait until it has ended; the reason that it gave, or empty where nothing was wrong."""
        while self.process.poll() is None:
            await asyncio.sleep(_SECONDS)
        return last_words(self.log) if self.process.returncode not in (0, _INTERRUPTED) else ""


async def begin_run(arguments: tuple[str, ...]) -> Begun:
    """Begin a run, after the command has said what it will be called.

    Raises AssistantError where the plan is refused already.
    """
    plan = await answer_of("finetune", *arguments, "--plan")
    name: str = plan["name"]
    named = arguments if "--name" in arguments else (*arguments, "--name", name)
    log = log_of(name)
    return Begun(await asyncio.to_thread(lambda: begin("finetune", *named, log=log)), log, True)


async def go_on(run: Run) -> Begun:
    """Go on with a run that was interrupted. Raises AssistantError."""
    log = run.log
    process = await asyncio.to_thread(lambda: begin("finetune", "--resume", run.name, log=log))
    return Begun(process, log, False)
