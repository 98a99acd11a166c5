"""What a model can be asked to do with a note's words."""

from collections.abc import Mapping
from dataclasses import dataclass

from assistant.prompts.tasks import Task


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to do: a task that every model is asked in its own words, or an instruction."""

    name: str
    """As it is shown: `Polish`."""
    about: str
    """In a few words."""
    work: str
    """What it is called while it is done."""
    task: Task | None = None
    instruction: str = ""
    """The user's own words, where it is no task."""

    @property
    def kind(self) -> str:
        """What the record of use calls it."""
        return self.task.name.lower() if self.task is not None else "instruction"


POLISH = Wish("Polish", "correct it and make it read well", "polishing", Task.POLISH)
WISHES = (
    POLISH,
    Wish("Expand", "add detail and connections", "expanding", Task.EXPAND),
    Wish("Continue", "go on where the text ends", "writing on", Task.CONTINUE),
    Wish("Shorten", "say it in about half the words", "shortening", Task.SHORTEN),
    Wish("Translate", "between Chinese and English", "translating", Task.TRANSLATE),
)


def wishes(instructions: Mapping[str, str]) -> tuple[Wish, ...]:
    """All of them, the user's own behind those that come with the assistant."""
    own = (
        Wish(name, " ".join(words.split()), f"working on “{name}”", instruction=words)
        for name, words in instructions.items()
    )
    return (*WISHES, *own)
