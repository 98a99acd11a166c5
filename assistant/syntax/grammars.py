"""Which grammar reads which language.

Grammars come as packages of their own (the extra `code`). Where one is missing, its language has no
syntax here, and those who ask do without it.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Parser


@dataclass(frozen=True, slots=True)
class _Grammar:
    package: str
    function: str = "language"


_JAVASCRIPT = _Grammar("tree_sitter_javascript")
_GRAMMARS = {
    "bash": _Grammar("tree_sitter_bash"),
    "c": _Grammar("tree_sitter_c"),
    "cpp": _Grammar("tree_sitter_cpp"),
    "csharp": _Grammar("tree_sitter_c_sharp"),
    "go": _Grammar("tree_sitter_go"),
    "java": _Grammar("tree_sitter_java"),
    "javascript": _JAVASCRIPT,
    "javascriptreact": _JAVASCRIPT,
    "kotlin": _Grammar("tree_sitter_kotlin"),
    "lua": _Grammar("tree_sitter_lua"),
    "php": _Grammar("tree_sitter_php", "language_php"),
    "python": _Grammar("tree_sitter_python"),
    "ruby": _Grammar("tree_sitter_ruby"),
    "rust": _Grammar("tree_sitter_rust"),
    "sh": _Grammar("tree_sitter_bash"),
    "shellscript": _Grammar("tree_sitter_bash"),
    "typescript": _Grammar("tree_sitter_typescript", "language_typescript"),
    "typescriptreact": _Grammar("tree_sitter_typescript", "language_tsx"),
}


def languages() -> tuple[str, ...]:
    """The names, as editors say them, of the languages that have a grammar here."""
    return tuple(_GRAMMARS)


def parser_for(language: str) -> "Parser | None":
    """A parser for a language by its editor's name, or None where no grammar is installed.

    Parsers are not shared: one may not be used by two threads at once.
    """
    grammar = _load(language)
    if grammar is None:
        return None
    from tree_sitter import Parser

    return Parser(grammar)


@cache
def _load(language: str) -> "Language | None":
    if (known := _GRAMMARS.get(language)) is None:
        return None
    try:
        from tree_sitter import Language

        package = import_module(known.package)
    except ImportError:
        return None
    return Language(getattr(package, known.function)())
