"""A model that is asked to do something, with the progress that shows its answer arriving."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.prompts.tasks import Task
from assistant.rewriting import answer
from assistant_lsp.progress import Progress

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient


@dataclass(frozen=True, slots=True)
class Asking:
    """One model, for one action."""

    client: "ModelClient"
    card: "ModelCard"
    progress: Progress

    async def answer(self, task: Task, text: str, language: str = "", problem: str = "") -> str:
        """Raises AssistantError."""
        text = text.replace("\r\n", "\n")
        return await answer(
            task,
            text,
            self.client,
            self.card,
            language=language,
            problem=problem,
            on_text=self.progress.report,
        )
