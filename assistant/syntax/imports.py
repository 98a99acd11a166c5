"""What a file imports: from which modules, and which of their names."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.syntax.grammars import parser_for

if TYPE_CHECKING:
    from tree_sitter import Node


_IMPORT_WORDS = re.compile(r"^\s*(?:import|use|using)\s+(?:(?:static|function|const)\s+)?")


@dataclass(frozen=True, slots=True)
class Import:
    """One module that a file imports."""

    module: tuple[str, ...]
    """Its path, part by part, without a file's ending."""
    names: tuple[str, ...] = ()
    """What is taken from it by name; empty for the module itself."""
    level: int = 0
    """0 for a path from some root; 1 for one from the file's own folder, 2 from the one above …"""


def imports(text: str, language: str) -> list[Import]:
    """The imports that a text holds, in their order; none where its language has no grammar."""
    parser, reader = parser_for(language), _READERS.get(language)
    if parser is None or reader is None:
        return []
    kinds, read = reader
    tree = parser.parse(text.encode("utf-8", "replace"))
    return [found for node in _of_kinds(tree.root_node, kinds) for found in read(node)]


def _of_kinds(root: "Node", kinds: tuple[str, ...]) -> Iterator["Node"]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type in kinds:
            yield node
        else:
            stack.extend(reversed(node.named_children))


def _python(node: "Node") -> Iterator[Import]:
    names = [_text(_plain(name)) for name in node.children_by_field_name("name")]
    module = node.child_by_field_name("module_name")
    if module is None:
        yield from (Import(_dotted(name)) for name in names)
        return
    text = _text(module)
    level = len(text) - len(text.lstrip("."))
    yield Import(_dotted(text[level:]), tuple(names), level)


def _plain(node: "Node") -> "Node":
    """What is imported, without the name that it gets here."""
    return node.child_by_field_name("name") or node


def _javascript(node: "Node") -> Iterator[Import]:
    if node.type == "call_expression":
        arguments = _text(node.child_by_field_name("arguments"))
        quoted = re.fullmatch(r"\(\s*(['\"`])(.+)\1\s*\)", arguments)
        if _text(node.child_by_field_name("function")) == "require" and quoted:
            target = node.parent.child_by_field_name("name") if node.parent else None
            names = re.findall(r"[\w$]+", _text(target)) if target and "{" in _text(target) else []
            yield _from_path(quoted[2], tuple(names))
        return
    source = _text(node.child_by_field_name("source")).strip("'\"")
    if source:
        kinds = ("import_specifier", "export_specifier")
        names = [_text(_plain(name)) for name in _of_kinds(node, kinds)]
        yield _from_path(source, tuple(names))


def _from_path(path: str, names: tuple[str, ...] = ()) -> Import:
    """Of `./a/b.js` and the like."""
    parts = [part for part in path.split("/") if part]
    level = 0
    while parts and parts[0] in (".", ".."):
        level = max(level, 1) + (parts.pop(0) == "..")
    if parts:
        parts[-1] = re.sub(r"\.(js|ts|mjs|cjs|jsx|tsx|sh|bash|h|hh|hpp|hxx)$", "", parts[-1])
    return Import(tuple(parts), names, level)


def _go(node: "Node") -> Iterator[Import]:
    yield _from_path(_text(node.child_by_field_name("path")).strip('"`'))


def _rust(node: "Node") -> Iterator[Import]:
    for path in _use_paths(_text(node.child_by_field_name("argument"))):
        parts = [part for part in path if part not in ("crate", "self", "super")]
        if parts:
            yield Import(tuple(parts[:-1]), tuple(part for part in parts[-1:] if part != "*"))


def _use_paths(text: str, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of `a::{b, c::d}`."""
    head, brace, rest = text.partition("{")
    parts = tuple(part.split(" as ")[0].strip() for part in head.split("::") if part.strip())
    if not brace:
        yield (*before, *parts)
        return
    for piece in _at_top(rest.rpartition("}")[0]):
        yield from _use_paths(piece, (*before, *parts))


def _at_top(text: str) -> Iterator[str]:
    """The pieces between the commas that stand in no braces."""
    depth, piece = 0, ""
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            yield piece
            piece = ""
        else:
            piece += letter
    if piece.strip():
        yield piece


def _named_path(node: "Node") -> Iterator[Import]:
    """Of languages that import a name by its whole path: Java, Kotlin, PHP, C#."""
    text = _IMPORT_WORDS.sub("", _text(node))
    path = re.match(r"[\w.\\]+", text)
    parts = tuple(re.split(r"[.\\]+", path[0].strip(".\\"))) if path else ()
    if parts and node.type == "using_directive":
        yield Import(parts)
    elif parts:
        yield Import(parts[:-1], parts[-1:])


def _included(node: "Node") -> Iterator[Import]:
    path = node.child_by_field_name("path")
    if path is not None and path.type == "string_literal":
        yield _from_path(_text(path).strip('"'))


def _called(node: "Node") -> Iterator[Import]:
    """Of languages that import by a call: Lua, Ruby, the shell's `source`."""
    call = re.match(r"\s*(require_relative|require|source|\.)[\s('\"\[]+([\w./@-]+)", _text(node))
    if call is not None:
        found = _from_path(call[2])
        dotted = found.module if "/" in call[2] or call[1] in ("source", ".") else _dotted(call[2])
        level = 1 if call[1] == "require_relative" and not found.level else found.level
        yield Import(dotted, level=level)


_ES = (("import_statement", "export_statement", "call_expression"), _javascript)
_BASH = (("command",), _called)
_C = (("preproc_include",), _included)
_READERS: dict[str, tuple[tuple[str, ...], Callable[["Node"], Iterator[Import]]]] = {
    "bash": _BASH,
    "c": _C,
    "cpp": _C,
    "csharp": (("using_directive",), _named_path),
    "go": (("import_spec",), _go),
    "java": (("import_declaration",), _named_path),
    "javascript": _ES,
    "javascriptreact": _ES,
    "kotlin": (("import",), _named_path),
    "lua": (("function_call",), _called),
    "php": (("namespace_use_declaration",), _named_path),
    "python": (("import_statement", "import_from_statement"), _python),
    "ruby": (("call",), _called),
    "rust": (("use_declaration",), _rust),
    "sh": _BASH,
    "shellscript": _BASH,
    "typescript": _ES,
    "typescriptreact": _ES,
}


def _dotted(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(".") if part)


def _text(node: "Node | None") -> str:
    return "" if node is None or node.text is None else node.text.decode(errors="replace")
