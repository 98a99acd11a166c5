"""Text to token ids with a promise: text never becomes a control token.

A vocabulary's control tokens are usually found by searching the text for them, which lets anyone
who can write into a prompt end a turn or open a new one. Here the text side of a tokenizer is
rebuilt without any control token, so there is nothing left to find.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from tokenizers import Tokenizer as FastTokenizer

from assistant.prompts.segments import BOS, EOS


class Tokenizer(Protocol):
    """What the renderer needs of a tokenizer."""

    def token_id(self, name: str) -> int | None:
        """The id of a control token by name (`{bos}` and `{eos}` included), or None."""

    def encode_text(self, text: str, *, after_token: bool, start: bool) -> list[int]:
        """The ids of `text`, none of them a control token's.

        `start` says that nothing stands before it, `after_token` that a control token does: some
        tokenizers begin a text with a space of their own at one or at both of these.
        """


_MEMBERS = ("normalizers", "pretokenizers", "decoders")
_BYTE_TOKEN = re.compile("<0x[0-9A-F]{2}>")
_KEPT, _LONGEST_KEPT = 16, 16_384
"""Texts whose ids are remembered, and characters of one: from key to key what stands behind the
cursor is the same, and so are the turns of a conversation before the newest."""


def _byte_letters() -> dict[str, bytes]:
    """The letters that byte-level vocabularies write bytes with.

    A printable byte is its own Latin-1 letter; the others take the letters from U+0100 on, in
    order (Radford et al. 2019, the vocabulary of GPT-2).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    letters = {chr(byte): bytes([byte]) for byte in printable}
    return letters | {chr(0x100 + place): bytes([byte]) for place, byte in enumerate(others)}


_BYTE_OF = _byte_letters()

TemplateFunction = Callable[[list[dict[str, str]], bool], str]
"""From messages, and whether to end with the lead of an answer, to the text of the template."""


class TextTokenizer:
    """A `tokenizers` tokenizer, split into its control tokens and its text side."""

    def __init__(
        self,
        fast: FastTokenizer,
        *,
        bos: str | None = None,
        eos: str | None = None,
        template: TemplateFunction | None = None,
    ) -> None:
        """`bos` and `eos` name the tokens that begin and end a text, `template` renders chats."""
        self.fast = fast
        self.template = template
        spec = json.loads(fast.to_str())
        added = {entry["content"]: entry["id"] for entry in spec["added_tokens"]}
        # Runs of spaces are added tokens in some vocabularies; those are text.
        self._control = {name: number for name, number in added.items() if name.strip()}
        self._special = {BOS: bos, EOS: eos}
        self.control_names = tuple(self._control)
        self.control_ids = frozenset(self._control.values())
        self._space_mode = _space_mode(spec)
        self._byte_level = any(part["type"] == "ByteLevel" for part in _parts(spec.get("decoder")))
        self._text_side = FastTokenizer.from_str(json.dumps(_text_only(spec)))
        self._remembered = lru_cache(maxsize=_KEPT)(self._encode_apart)

    def token_id(self, name: str) -> int | None:
        """The id of a control token by name, or None where there is none."""
        if name in self._special:
            special = self._special[name]
            return None if special is None else self.fast.token_to_id(special)
        found = self._control.get(name)
        return found if found is not None else self.fast.token_to_id(name)

    def encode_text(
        self, text: str, *, after_token: bool = False, start: bool = False
    ) -> list[int]:
        """See `Tokenizer.encode_text`."""
        text = well_formed(text)
        always = self._space_mode == "always"
        if (start and self._space_mode != "never") or (after_token and always):
            text = " " + text
        encode = self._remembered if len(text) <= _LONGEST_KEPT else self._encode_apart
        return list(encode(text))

    def _encode_apart(self, text: str) -> Sequence[int]:
        ids: list[int] = self._text_side.encode(text, add_special_tokens=False).ids
        if self.control_ids.isdisjoint(ids):
            return ids
        # A vocabulary may hold a control token's text as an ordinary entry, too: cut it in two.
        for name in self._control:
            place = text.find(name)
            if place >= 0 and len(name) > 1:
                cut = place + 1
                return [*self._encode_apart(text[:cut]), *self._encode_apart(text[cut:])]
        return [number for number in ids if number not in self.control_ids]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, control tokens left out."""
        text: str = self.fast.decode(
            [number for number in ids if number not in self.control_ids], skip_special_tokens=False
        )
        return text

    def token_bytes(self, token: int) -> bytes:
        """What a token stands for, often a part of a character; nothing for control tokens."""
        name = self.fast.id_to_token(token)
        if name is None or token in self.control_ids:
            return b""
        if self._byte_level:
            return b"".join(_BYTE_OF.get(letter, letter.encode()) for letter in name)
        if _BYTE_TOKEN.fullmatch(name):
            return bytes.fromhex(name[3:5])
        return name.replace("\u2581", " ").encode()


def well_formed(text: str) -> str:
    """The text with surrogate pairs joined and lone surrogates replaced by U+FFFD.

    Editors count in UTF-16 and sometimes cut a pair in two; a tokenizer takes only real text.
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _space_mode(spec: dict[str, Any]) -> str:
    """When this tokenizer begins a text with a space of its own: never, first or always."""
    for part in _parts(spec.get("normalizer")):
        if part["type"] == "Prepend":
            return "always"
    for part in _parts(spec.get("pre_tokenizer")):
        if part["type"] == "Metaspace":
            return str(part.get("prepend_scheme", "always"))
        if part["type"] == "ByteLevel" and part.get("add_prefix_space"):
            return "always"
    return "never"


def _text_only(spec: dict[str, Any]) -> dict[str, Any]:
    """The tokenizer's description without control tokens, template and spaces of its own."""
    spec = json.loads(json.dumps(spec))
    spec["added_tokens"] = [entry for entry in spec["added_tokens"] if not entry["content"].strip()]
    spec["post_processor"] = spec["padding"] = spec["truncation"] = None
    normalizer = spec.get("normalizer")
    if normalizer:
        kept = [part for part in _parts(normalizer) if part["type"] != "Prepend"]
        spec["normalizer"] = {"type": "Sequence", "normalizers": kept} if kept else None
    for part in _parts(spec.get("pre_tokenizer")):
        if part["type"] == "Metaspace":
            part["prepend_scheme"] = "never"
            part.pop("add_prefix_space", None)
        if part["type"] == "ByteLevel":
            part["add_prefix_space"] = False
    return spec


def _parts(component: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The members of a normalizer or pre-tokenizer, a sequence or a single one."""
    if component is None:
        return []
    if component["type"] == "Sequence":
        members: list[dict[str, Any]] = next(
            (component[key] for key in _MEMBERS if component.get(key)), []
        )
        return [inner for member in members for inner in _parts(member)]
    return [component]
