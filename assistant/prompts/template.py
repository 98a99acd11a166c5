"""A conversation as segments through the tokenizer's own chat template.

A template is a program that writes text, control tokens and user text all in one. To tell them
apart, it is run with a stand-in for each message's text; what it wrote between the stand-ins is
the template's, and the texts are put back as content. Templates that trim texts are recognized by
what they do to the blanks around a stand-in.
"""

import re
from dataclasses import replace

from assistant.errors import PromptError
from assistant.messages import Conversation
from assistant.prompts.pattern import Pattern
from assistant.prompts.segments import Kind, Segment, join
from assistant.prompts.tokenizer import TextTokenizer

_OPEN, _SHUT, _BLANK = "\ue000", "\ue001", "\x0b"
"""Two private-use characters and a vertical tab, none of which a template writes by itself."""


def render_template_prompt(conversation: Conversation, tokenizer: TextTokenizer) -> list[Segment]:
    """The prompt for the assistant's next answer.

    Where the conversation ends with an assistant's message, the answer goes on from its text.
    Raises PromptError when the tokenizer has no template or its template refuses the conversation.
    """
    turns = conversation.turns
    if turns[-1].role == "user":
        return join(_render(conversation, tokenizer, for_answer=True))
    if len(turns) == 1:
        raise PromptError("a conversation for a chat template must begin with a user's message")
    before = Conversation(conversation.messages[:-1])
    start = Segment(Kind.CONTENT, turns[-1].content)
    return join([*_render(before, tokenizer, for_answer=True), start])


def render_template_training(conversation: Conversation, tokenizer: TextTokenizer) -> list[Segment]:
    """The whole conversation, its answers and what ends each of them marked to be learned."""
    learned: list[Segment] = []
    closing: int | None = None
    for segment in _render(conversation, tokenizer, for_answer=False):
        if segment.kind is Kind.CONTENT:
            closing = segment.message if segment.learn else None
        elif closing is not None:
            segment = replace(segment, learn=True, message=closing)
            if segment.kind is Kind.TOKEN:
                closing = None
        learned.append(segment)
    return join(learned)


def _render(
    conversation: Conversation, tokenizer: TextTokenizer, *, for_answer: bool
) -> list[Segment]:
    if tokenizer.template is None:
        raise PromptError(
            "this model's tokenizer has no chat template: choose a chat format for it"
        )
    messages = [
        {"role": message.role, "content": f"{_BLANK}{_OPEN}{index}{_SHUT}{_BLANK}"}
        for index, message in enumerate(conversation.messages)
    ]
    try:
        written = tokenizer.template(messages, for_answer)
    except Exception as error:  # a template is a foreign program: it may raise anything
        raise PromptError(
            f"the model's chat template refuses this conversation: {error}"
        ) from error
    segments: list[Segment] = []
    place = 0
    for match in re.finditer(f"{_BLANK}?{_OPEN}(\\d+){_SHUT}{_BLANK}?", written):
        index = int(match[1])
        message = conversation.messages[index]
        kept_blanks = match[0].startswith(_BLANK) and match[0].endswith(_BLANK)
        content = message.content if kept_blanks else message.content.strip()
        segments += Pattern(written[place : match.start()], tokenizer.control_names).fill({})
        segments.append(Segment(Kind.CONTENT, content, message.role == "assistant", index))
        place = match.end()
    segments += Pattern(written[place:], tokenizer.control_names).fill({})
    return segments
