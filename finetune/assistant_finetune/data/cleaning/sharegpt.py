"""Conversations scraped from a web page, as Vicuna's makers cleaned theirs.

Kept are whole pairs of question and answer from the first question on. Unlike there, no list of
words throws a conversation away, and what is left out is written down.
"""

from collections.abc import Callable
from dataclasses import replace

from assistant.messages import Conversation, Message
from assistant_finetune.data.cleaning.markup import is_page, markdown_of, may_be_page, without_page
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.journal import Changed, Journal, Rejected

_REFUSAL = "Too many requests in 1 hour"
"""The page's own message at an answer's place."""
_MARKDOWN = "answers turned from HTML into Markdown"
_WITHOUT_PAGE = "counters and buttons of the page taken out of answers"


def clean(chat: Chat, journal: Journal) -> Chat | None:
    """The conversation without what the page did to it; None where no pair is left."""
    messages = list(chat.conversation.messages)
    answers = [message.content for message in messages if message.role == "assistant"]
    # One answer in HTML may be code that was asked for; a page shows all of them so.
    page = all(map(may_be_page, answers))
    steps: tuple[tuple[str, Callable[[str], str]], ...] = (
        (_MARKDOWN, lambda text: markdown_of(text) if page or is_page(text) else text),
        (_WITHOUT_PAGE, without_page),
    )
    for what, step in steps:
        changed = [
            replace(message, content=step(message.content))
            if message.role == "assistant"
            else message
            for message in messages
        ]
        if changed != messages:
            journal.change(Changed(chat.origin, what))
            messages = changed
    kept = _whole_pairs(messages)
    numbers = [number for number, _ in kept]
    _tell(chat, messages, numbers, journal)
    if not any(message.role == "assistant" for _, message in kept):
        reason = "no whole pair of a question and an answer is in it"
        text = "\n\n".join(message.content for message in chat.conversation.messages)
        journal.reject(Rejected(chat.origin, reason, text))
        return None
    weights = tuple(chat.weights[number] for number in numbers) if chat.weights else ()
    return Chat(Conversation(tuple(message for _, message in kept)), chat.origin, weights)


def _whole_pairs(messages: list[Message]) -> list[tuple[int, Message]]:
    """The system message, and pairs from the first question to the first break."""
    numbered = list(enumerate(messages))
    kept = [(number, message) for number, message in numbered[:1] if message.role == "system"]
    turns = numbered[len(kept) :]
    while turns and turns[0][1].role == "assistant":
        turns = turns[1:]
    for question, answer in zip(turns[::2], turns[1::2], strict=False):
        in_order = question[1].role == "user" and answer[1].role == "assistant"
        if not in_order or not _says_something(answer[1].content):
            break
        kept += [question, answer]
    return kept


def _says_something(answer: str) -> bool:
    text = answer.strip()
    readable = any(character.isprintable() and not character.isspace() for character in text)
    return readable and not text.startswith(_REFUSAL)


def _tell(chat: Chat, messages: list[Message], kept: list[int], journal: Journal) -> None:
    """Write down which messages are left out, and why."""
    turns = [number for number in kept if messages[number].role != "system"]
    lead = 1 if messages[0].role == "system" else 0
    if not turns:
        return
    if turns[0] > lead:
        what = "answers before the first question left out"
        journal.change(Changed(chat.origin, what, _named(lead, turns[0])))
    if turns[-1] + 1 == len(messages):
        return
    last = turns[-1] + 1
    alone = last + 1 == len(messages) and messages[last].role == "user"
    what = "a last question without an answer left out" if alone else "cut at a broken pair"
    journal.change(Changed(chat.origin, what, _named(last, len(messages))))


def _named(start: int, end: int) -> str:
    if end == start + 1:
        return f"message {end}"
    return f"messages {start + 1} to {end}"
