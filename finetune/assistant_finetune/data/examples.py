"""What one can learn from, whatever file it came in: four kinds of examples.

An example knows nothing of a model: no chat format, no wording, no tokens. `samples` makes those.
"""

from dataclasses import dataclass, replace

from assistant.messages import CompletionRequest, Conversation, Message
from assistant.prompts import Task
from assistant_finetune.data.origin import Origin


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation."""

    conversation: Conversation
    origin: Origin
    weights: tuple[float, ...] = ()
    """How much each message counts, one number for each; empty: the answers 1, the others 0."""

    def __post_init__(self) -> None:
        count = len(self.conversation.messages)
        if self.weights and len(self.weights) != count:
            raise ValueError(f"{len(self.weights)} weights for {count} messages")

    @property
    def message_weights(self) -> tuple[float, ...]:
        """The weights, the usual ones where none are given."""
        return self.weights or usual_weights(self.conversation.messages)


@dataclass(frozen=True, slots=True)
class Document:
    """A text to be learned whole: a file of code, a note."""

    text: str
    origin: Origin
    path: str = ""
    """Inside its project, or empty."""
    language: str = ""
    """The editor's name of the language, or empty."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a text, and what belongs there."""

    request: CompletionRequest
    middle: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Asked:
    """A task of the assistant's, a text that it was done with, and the answer that was kept."""

    task: Task
    text: str
    answer: str
    origin: Origin
    language: str = ""


Example = Chat | Document | Hole | Asked


def usual_weights(messages: tuple[Message, ...]) -> tuple[float, ...]:
    """1 for each answer of the assistant's, 0 for everything else."""
    return tuple(float(message.role == "assistant") for message in messages)


def texts(example: Example) -> tuple[str, ...]:
    """All the texts in it, in order."""
    match example:
        case Chat():
            return tuple(message.content for message in example.conversation.messages)
        case Document():
            return (example.text,)
        case Hole():
            return (example.request.prefix, example.middle, example.request.suffix)
        case Asked():
            return (example.text, example.answer)


def with_texts(example: Example, changed: tuple[str, ...]) -> Example:
    """The same with other texts, as many as `texts` gave."""
    match example:
        case Chat():
            messages = zip(example.conversation.messages, changed, strict=True)
            turns = tuple(replace(message, content=text) for message, text in messages)
            return replace(example, conversation=Conversation(turns))
        case Document():
            (text,) = changed
            return replace(example, text=text)
        case Hole():
            prefix, middle, suffix = changed
            request = replace(example.request, prefix=prefix, suffix=suffix)
            return replace(example, request=request, middle=middle)
        case Asked():
            text, answer = changed
            return replace(example, text=text, answer=answer)
