"""The record of use as examples: what the user kept where it was suggested, and good answers."""

from collections.abc import Iterator
from pathlib import PurePath

from assistant.history import Chat as KeptChat
from assistant.history import Chats, History, Suggestion, TurnTree
from assistant.history.chat_export import spoken
from assistant.messages import CompletionRequest, Conversation, Message
from assistant.prompts import Task
from assistant_finetune.data.examples import Asked, Chat, Example, Hole
from assistant_finetune.data.journal import Changed, Journal
from assistant_finetune.data.origin import Origin

_COMPLETION = "completion"
_REPLACED = {
    task.name.lower(): task for task in (Task.POLISH, Task.EXPAND, Task.SHORTEN, Task.TRANSLATE)
}
"""What is asked about a text that the answer then replaces: the record holds all of both."""
_ADDED = {task.name.lower(): task for task in (Task.CONTINUE, Task.COMMENT_TO_CODE)}
"""What is asked about the text before a place. Other actions were shown more than is recorded."""
_TAKEN = ("accepted", "accepted_part", "typed")


def read(journal: Journal, history: History | None = None) -> Iterator[Example]:
    """The suggestions that were kept, and what was written instead of others, the oldest first.

    Those of which nobody knows what was kept are counted in the journal. Raises HistoryError.
    """
    history = history or History()
    try:
        for suggestion in history.export():
            origin = Origin("history", part=suggestion.id)
            kept = kept_text(suggestion)
            example = None if kept is None else _example(suggestion, kept, origin)
            if example is not None:
                yield example
            else:
                journal.change(Changed(origin, "left out: nothing in it is known to be wanted"))
    finally:
        history.close()


def read_chats(journal: Journal, chats: Chats | None = None) -> Iterator[Example]:
    """The answers in conversations that were rated good, each learned once, the oldest first.

    A branch is read up to its last good answer; its other answers are there to be read alone.
    Conversations without one are counted in the journal. Raises HistoryError.
    """
    chats = chats or Chats()
    try:
        for chat, tree in chats.export():
            origin = Origin("history", part=chat.id)
            found = list(_branches(chat, tree, origin))
            yield from found
            if not found:
                journal.change(Changed(origin, "left out: no answer in it is rated good"))
    finally:
        chats.close()


def _branches(chat: KeptChat, tree: TurnTree, origin: Origin) -> Iterator[Chat]:
    learned = set[str]()
    for leaf in tree.leaves:
        path = tree.until(leaf.id)
        good = [number for number, turn in enumerate(path) if turn.thumb == "up"]
        if not good or path[good[-1]].id in learned:
            continue
        said = spoken(path[: good[-1] + 1], chat.system)
        weights = tuple(
            float(any(turn.thumb == "up" and turn.id not in learned for turn in turns))
            for _, _, turns in said
        )
        learned |= {path[number].id for number in good}
        messages = tuple(Message(role, text) for role, text, _ in said)
        yield Chat(Conversation(messages), origin, weights)


def kept_text(suggestion: Suggestion) -> str | None:
    """What the user wanted at the place, or None where that is not known."""
    fate = suggestion.fate
    if fate.outcome in _TAKEN and fate.kept is not False:
        taken = fate.outcome == "accepted_part"
        text = suggestion.text[: fate.accepted_characters] if taken else suggestion.text
        return text or None
    if fate.outcome in (*_TAKEN, "rejected") and fate.replaced_by:
        # An action that was refused leaves the old text, which says nothing of a better one.
        return None if fate.replaced_by == suggestion.prefix else fate.replaced_by
    return None


def _example(suggestion: Suggestion, kept: str, origin: Origin) -> Example | None:
    if suggestion.kind == _COMPLETION:
        request = CompletionRequest(
            suggestion.prefix, suggestion.suffix, suggestion.language, _path(suggestion)
        )
        return Hole(request, kept, origin)
    task = _REPLACED.get(suggestion.kind) or _ADDED.get(suggestion.kind)
    if task is None or not suggestion.prefix.strip() or not kept.strip():
        return None
    return Asked(task, suggestion.prefix, kept, origin, suggestion.language)


def _path(suggestion: Suggestion) -> str:
    """The file's path inside its folder: what stands above is private, and of no use."""
    below = f"{suggestion.workspace.rstrip('/')}/"
    inside = suggestion.workspace and suggestion.path.startswith(below)
    return suggestion.path.removeprefix(below) if inside else PurePath(suggestion.path).name
