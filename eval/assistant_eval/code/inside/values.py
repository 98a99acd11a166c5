"""Values as they go between a program and its judge: plain ones, that do nothing by themselves.

What arrives is made anew by the judge out of numbers, texts and collections of them. An object
that claims to equal everything does not get through, as no object of the program's does.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

MOST_BYTES = 8 << 20
"""Of one message."""
_LENGTH = 8
_PLAIN_INT = 1 << 53
"""Beyond it integers travel as text of base 16, which Python reads at any length."""


def encode(value: Any) -> Any:
    """A value in what JSON can hold. Raises TypeError for one that cannot be handed over."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < _PLAIN_INT else {"int": hex(value)}
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return _encode_collection(value)


def _encode_collection(value: Any) -> Any:
    if isinstance(value, list):
        return [encode(one) for one in value]
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(one)] for key, one in value.items()]}
    for kind in (tuple, set, frozenset):
        if isinstance(value, kind):
            return {kind.__name__: [encode(one) for one in value]}
    if isinstance(value, Iterator):
        return {"iterator": [encode(one) for one in value]}
    raise TypeError(f"a value of the type {type(value).__name__} cannot be handed over")


def decode(value: Any) -> Any:
    """The value that `encode` was given. Raises ValueError or KeyError for what is damaged."""
    if isinstance(value, list):
        return [decode(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    return _MAKERS[kind](content)


def _decode_dict(pairs: Any) -> Any:
    return {decode(key): decode(one) for key, one in pairs}


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "complex": lambda parts: complex(*parts),
    "bytes": bytes.fromhex,
    "dict": _decode_dict,
    "tuple": lambda values: tuple(decode(values)),
    "set": lambda values: set(decode(values)),
    "frozenset": lambda values: frozenset(decode(values)),
    "iterator": lambda values: iter(decode(values)),
}


def send(descriptor: int, message: Any) -> None:
    """Write one message. Raises ValueError when it is too long, and OSError as writing does."""
    data = json.dumps(message).encode()
    if len(data) > MOST_BYTES:
        raise ValueError(f"a message of {len(data):,} bytes is too long")
    left = memoryview(len(data).to_bytes(_LENGTH, "big") + data)
    while left:
        left = left[os.write(descriptor, left) :]


def receive(descriptor: int) -> Any:
    """Read one message. Raises EOFError where there is none, and ValueError for a damaged one."""
    size = int.from_bytes(_read(descriptor, _LENGTH), "big")
    if size > MOST_BYTES:
        raise ValueError(f"a message of {size:,} bytes is too long")
    return json.loads(_read(descriptor, size))


def _read(descriptor: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = os.read(descriptor, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
