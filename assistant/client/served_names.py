"""Which model of the registry another server means by a name of its own.

Servers call the same model `Qwen/Qwen2.5-Coder-7B`, `qwen2.5-coder:7b`,
`qwen2.5-coder-7b-instruct-q4_k_m.gguf` or by the folder that it was loaded from. What says how the
weights are stored, or that the model was taught to chat, has no say in how it fills in.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from assistant.registry import STARTER, load_registry

_CACHED = re.compile(r"models--[^/]+--([^/]+)")
"""A repository's folder in the model hub's cache, whose last part is a hash."""
_STORED = re.compile(
    r"[-.]("
    r"gguf|gptq|awq|exl2|mlx|hf|safetensors|nf4|fp8|b?f(p)?(16|32)|int[48]|[348]-?bit|"
    r"i?q\d(-[a-z0-9]{1,3})*|\d{5}-of-\d{5}|g\d{2,3}|latest|main|"
    r"instruct|base|chat|it|text|code"
    r")$"
)
_SIZE = re.compile(r"-\d+(\.\d+)?[bm](-a\d+(\.\d+)?b)?$")


def fim_format_of(names: Iterable[str]) -> str | None:
    """The name of the fill-in-the-middle format, `none`, or None if the model isn't known.

    A name without a size stands for a family, if that is of one mind. Of several names for the
    same model the first that is known counts.
    """
    for name in map(_plain, names):
        known = _formats().get(name) or _formats().get(f"{name}-*")
        if known is not None and len(known) == 1:
            return next(iter(known))
    return None


def _plain(name: str) -> str:
    name = name.replace("\\", "/").rstrip("/")
    cached = _CACHED.search(name)
    name = cached[1] if cached else name.rpartition("/")[2]
    name = re.sub(r"[:_ ]", "-", name.partition("@")[0].lower())
    while (shorter := _STORED.sub("", name)) != name:
        name = shorter
    return name


@cache
def _formats() -> Mapping[str, frozenset[str]]:
    """The formats of all models that share a plain name, and of their families (`NAME-*`)."""
    found: dict[str, set[str]] = {STARTER: {STARTER}}
    for spec in load_registry().values():
        if spec.fim_format is None:
            continue
        for name in {_plain(spec.name), _plain(spec.repository)}:
            found.setdefault(name, set()).add(spec.fim_format)
            found.setdefault(f"{_SIZE.sub('', name)}-*", set()).add(spec.fim_format)
    return {name: frozenset(formats) for name, formats in found.items()}
