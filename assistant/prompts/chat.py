"""A conversation as segments, for an answer and for training alike.

`render_training` of a whole conversation begins, for each of its answers, with exactly what
`render_prompt` gives for the conversation before that answer.
"""

from assistant.errors import PromptError
from assistant.messages import Conversation
from assistant.prompts.chat_formats import ChatFormat
from assistant.prompts.segments import BOS, Kind, Segment, join


def render_prompt(conversation: Conversation, chat_format: ChatFormat) -> list[Segment]:
    """The prompt for the assistant's next answer.

    Where the conversation ends with an assistant's message, the answer goes on from its text.
    """
    segments = _render(conversation, chat_format, training=False)
    if conversation.turns[-1].role == "user":
        segments += chat_format.pattern(chat_format.answer).fill({})
    return join(segments)


def render_training(conversation: Conversation, chat_format: ChatFormat) -> list[Segment]:
    """The whole conversation, its answers and what ends them marked to be learned."""
    return join(_render(conversation, chat_format, training=True))


def _render(conversation: Conversation, fmt: ChatFormat, *, training: bool) -> list[Segment]:
    segments = [Segment(Kind.TOKEN, BOS)] if fmt.bos else []
    system = _system(conversation, fmt)
    inside = "system" in fmt.pattern(fmt.user).fields
    if inside and system and all(turn.role != "user" for turn in conversation.turns):
        raise PromptError(f"the format {fmt.name} puts the system text into a user's message")
    if not inside:
        segments += system
    last = len(conversation.turns) - 1
    first = len(conversation.messages) - len(conversation.turns)
    before = None
    for index, turn in enumerate(conversation.turns):
        message = first + index
        if turn.role == "user":
            behind_answer = before == "assistant" and fmt.user_after is not None
            source = fmt.user_after if behind_answer and fmt.user_after is not None else fmt.user
            fields: dict[str, str | list[Segment]] = {"content": turn.content, "system": system}
            segments += fmt.pattern(source).fill(fields, message=message)
            system = []
        else:
            segments += fmt.pattern(fmt.answer).fill({})
            segments.append(Segment(Kind.CONTENT, turn.content, learn=True, message=message))
            if training or index < last:
                segments += _close(fmt, message, last=index == last)
        before = turn.role
    return segments


def _system(conversation: Conversation, fmt: ChatFormat) -> list[Segment]:
    text, message = conversation.system, 0 if conversation.system is not None else None
    if text is None:
        text = fmt.default_system
    return fmt.pattern(fmt.system).fill({"content": text}, message=message) if text else []


def _close(fmt: ChatFormat, message: int, *, last: bool) -> list[Segment]:
    """What ends an answer. A text that a new turn follows may be closed differently."""
    source = fmt.close if last or fmt.close_between is None else fmt.close_between
    return [
        *fmt.pattern(source).fill({}, learn=True, message=message),
        *fmt.pattern(fmt.after_close).fill({}),
    ]
