"""Keys, tokens and passwords, by the detectors of `detect-secrets`.

Their regular expressions alone are used: its own scan would ask the services over the network
whether what it found is valid.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
    from detect_secrets.plugins.jwt import JwtTokenDetector

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.S,
)
_MAY_HOLD_TOKEN = re.compile(r"[\w+/=.:-]{16,}|://[^\s/]+@")
"""A line without a long word, and without a password in an address, holds none."""
_MAY_HOLD_PASSWORD = re.compile(r"key|pass|pwd|secret|contrase", re.IGNORECASE)
_NEWER = re.compile(
    r"\b(?:github_pat_\w{20,}|hf_[A-Za-z0-9]{30,}|AIza[\w-]{35}|sk-(?:ant|proj)-[\w-]{20,})"
)
"""Tokens that came up after the library's list: GitHub's, Hugging Face's, Google's and others."""
_REST_OF_JWT = re.compile(r"[\w.+/=-]*")
"""The library's pattern leaves the signature out."""
_LONGEST_LINE = 20_000
"""Characters; longer lines are looked at in pieces."""
_SHORTEST = 6
_NAMES = {"Secret Keyword": "PASSWORD", "Basic Auth Credentials": "PASSWORD"}
_STAND_INS = {"password", "passwd", "secret", "pass", "pwd", "token"}
_LEFT_OUT = {"IPPublicDetector", "PrivateKeyDetector"}
"""Addresses are personal data and found with those; of private keys all is found here."""


def find_secrets(text: str) -> Iterator[tuple[str, str]]:
    """Each secret with what it is, such as `AWS_ACCESS_KEY`."""
    for match in _PRIVATE_KEY.finditer(text):
        yield match[0], "PRIVATE_KEY"
    for line in text.splitlines():
        for start in range(0, len(line), _LONGEST_LINE):
            yield from _in_line(line[start : start + _LONGEST_LINE])


def _in_line(line: str) -> Iterator[tuple[str, str]]:
    if _MAY_HOLD_TOKEN.search(line):
        for plugin in _token_plugins():
            yield from ((value, _name(plugin.secret_type)) for value in _matches(plugin, line))
        yield from ((match[0], "TOKEN") for match in _NEWER.finditer(line))
    if _MAY_HOLD_PASSWORD.search(line):
        keyword = _keyword_plugin()
        for value in keyword.analyze_string(line):
            if _is_password(value, line):
                yield value, _name(keyword.secret_type)


def _matches(plugin: "RegexBasedDetector", line: str) -> Iterator[str]:
    """What a detector finds. Its own method would give a token's first letters alone where its
    pattern puts them into a group."""
    for pattern in plugin.denylist:
        for match in pattern.finditer(line):
            inner = max(filter(None, match.groups()), key=len, default="")
            value = inner if len(inner) >= _SHORTEST else match[0].strip()
            if isinstance(plugin, _jwt()):
                if not plugin.is_formally_valid(value):
                    continue
                rest = _REST_OF_JWT.match(line, match.end())
                value += rest[0] if rest else ""
            if not _is_stand_in(value):
                yield value


def _is_stand_in(value: str) -> bool:
    """Whether a password is one that documentation writes."""
    from detect_secrets.filters import heuristic

    return (
        value.lower() in _STAND_INS
        or heuristic.is_templated_secret(value)
        or heuristic.is_prefixed_with_dollar_sign(value)
    )


def _is_password(value: str, line: str) -> bool:
    """Whether what is assigned to a name like `password` is one, and no word, name or call."""
    from detect_secrets.filters import heuristic

    looks = len(value) >= _SHORTEST and any(map(str.isdigit, value)) and not re.search(r"\s", value)
    return looks and not (
        heuristic.is_sequential_string(value)
        or _is_stand_in(value)
        or heuristic.is_indirect_reference(line)
        or heuristic.is_not_alphanumeric_string(value)
        or re.fullmatch(r"<[A-Z_]+_\d+>", value)
    )


@lru_cache(maxsize=1)
def _token_plugins() -> "tuple[RegexBasedDetector, ...]":
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector

    found: list[type[BasePlugin]] = list(get_mapping_from_secret_type_to_class().values())
    return tuple(
        kind()
        for kind in found
        if issubclass(kind, RegexBasedDetector) and kind.__name__ not in _LEFT_OUT
    )


@lru_cache(maxsize=1)
def _jwt() -> "type[JwtTokenDetector]":
    from detect_secrets.plugins.jwt import JwtTokenDetector

    return JwtTokenDetector


@lru_cache(maxsize=1)
def _keyword_plugin() -> "BasePlugin":
    from detect_secrets.plugins.keyword import KeywordDetector

    return KeywordDetector()


def _name(secret_type: str) -> str:
    return _NAMES.get(secret_type) or re.sub(r"\W+", "_", secret_type).strip("_").upper()
