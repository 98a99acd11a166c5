"""OpenAssistant's trees: a question, several answers to it in a rank, questions behind each.

Published as one tree to a record, or as one message to a record, those of a tree in a row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from assistant.messages import Message, Role
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.forms.fields import FormError, chat, role_named, text_in
from assistant_finetune.data.origin import Origin

_ROLES: dict[str, Role] = {"prompter": "user", "assistant": "assistant"}
_DEEPEST = 200


class Paths(Enum):
    """Which conversations are read from a tree."""

    BEST = "best"
    """One: the reply that was ranked first, at every level."""
    RANKED = "ranked"
    """Every one whose answers were all ranked. What two of them share is learned once."""


@dataclass(slots=True)
class Node:
    """A message, and what was replied to it."""

    role: Role
    text: str
    rank: int | None
    replies: "list[Node]" = field(default_factory=list)


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like a tree."""
    return isinstance(record.get("prompt"), dict) and "replies" in record["prompt"]


def is_message(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like one message of a tree."""
    return "message_tree_id" in record and "parent_id" in record


def read(record: Mapping[str, Any], origin: Origin, paths: Paths) -> Iterator[Chat]:
    """The conversations of a tree. Raises FormError."""
    prompt = record.get("prompt")
    if not isinstance(prompt, dict):
        raise FormError("it has no prompt that begins a tree")
    root = _node(prompt, 1)
    if root is None:
        raise FormError("its first message was deleted")
    yield from conversations(root, origin, paths)


def conversations(root: Node, origin: Origin, paths: Paths) -> Iterator[Chat]:
    """The conversations that begin with a message. Raises FormError where there is none."""
    if paths is Paths.BEST:
        yield chat(_messages(_best(root)), origin)
        return
    found = [path for path in map(_answered, _ranked(root)) if path]
    if not found:
        raise FormError("no answer in it was ranked")
    learned = set[int]()
    unique = {tuple(map(id, path)): path for path in found}
    for number, path in enumerate(unique.values(), start=1):
        weights: list[float | None] = [
            float(node.role == "assistant" and id(node) not in learned) for node in path
        ]
        if any(weights):
            learned.update(map(id, path))
            yield chat(_messages(path), origin.inner(f"path {number}"), weights)


def message_node(record: Mapping[str, Any]) -> Node | None:
    """One message without its replies, or None where it was deleted. Raises FormError."""
    if record.get("deleted") is True or record.get("review_result") is False:
        return None
    rank = record.get("rank")
    if rank is not None and (isinstance(rank, bool) or not isinstance(rank, int | float)):
        raise FormError("rank is no number")
    known = rank is not None and rank == rank  # an empty cell of a table is no number
    role = role_named(_ROLES, record.get("role"), 1)
    return Node(role, text_in(record, "text"), int(rank) if known and rank is not None else None)


def _node(record: Mapping[str, Any], depth: int) -> Node | None:
    if depth > _DEEPEST:
        raise FormError(f"the tree is deeper than {_DEEPEST} messages")
    node = message_node(record)
    replies = record.get("replies") or []
    if not isinstance(replies, list) or not all(isinstance(one, dict) for one in replies):
        raise FormError("replies is no list of messages")
    if node is not None:
        below = (_node(reply, depth + 1) for reply in replies)
        node.replies = [reply for reply in below if reply is not None]
    return node


def _best(root: Node) -> list[Node]:
    path = [root]
    while path[-1].replies:
        path.append(min(path[-1].replies, key=_rank))
    return _answered(path)


def _ranked(root: Node) -> Iterator[list[Node]]:
    """Every path from the root on which each answer was ranked, the best replies first."""
    waiting = [[root]]
    while waiting:
        path = waiting.pop()
        replies = [one for one in path[-1].replies if one.role == "user" or one.rank is not None]
        if not replies:
            yield path
        waiting.extend([*path, reply] for reply in sorted(replies, key=_rank, reverse=True))


def _rank(node: Node) -> float:
    return float("inf") if node.rank is None else node.rank


def _answered(path: list[Node]) -> list[Node]:
    """The path up to its last answer."""
    while path and path[-1].role != "assistant":
        path = path[:-1]
    return path


def _messages(path: list[Node]) -> list[Message]:
    if not path:
        raise FormError("nobody answered in it")
    return [Message(node.role, node.text) for node in path]
