"""What a file defines: its functions, classes and types, by the shape of its syntax tree.

One table for all grammars, which mostly agree on names; what a language does otherwise stands in
the few functions below the walk.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from assistant.syntax.grammars import parser_for

if TYPE_CHECKING:
    from tree_sitter import Node

Kind = Literal["function", "class", "record", "constant", "field"]
"""A record is a type whose definition is short and says it all; a field belongs to its class."""

_KINDS: dict[Kind, str] = {
    "function": "function_definition function_declaration generator_function_declaration"
    " function_item function_signature_item function_signature method_definition method_signature"
    " abstract_method_signature method_declaration constructor_declaration method singleton_method"
    " macro_definition preproc_function_def declaration",
    "class": "class_definition class_declaration abstract_class_declaration class_specifier"
    " trait_item trait_declaration object_declaration class module internal_module"
    " interface_declaration",
    "record": "struct_specifier union_specifier enum_specifier struct_item enum_item union_item"
    " enum_declaration record_declaration struct_declaration type_spec type_definition"
    " type_alias_declaration type_item alias_declaration",
    "constant": "const_item static_item const_spec var_spec preproc_def assignment"
    " variable_declarator assignment_statement",
    "field": "field_declaration public_field_definition property_signature property_declaration",
}
_KIND_OF = {node: kind for kind, nodes in _KINDS.items() for node in nodes.split()}
_LOOKED_INTO = frozenset(
    {
        *("module", "program", "source_file", "translation_unit", "chunk", "compilation_unit"),
        *("block", "declaration_list", "class_body", "interface_body", "enum_class_body"),
        *("field_declaration_list", "body_statement", "statement_block", "expression_statement"),
        *("export_statement", "decorated_definition", "template_declaration", "if_statement"),
        *("preproc_ifdef", "preproc_if", "linkage_specification", "impl_item", "mod_item"),
        *("namespace_definition", "namespace_declaration", "file_scoped_namespace_declaration"),
        *("lexical_declaration", "variable_declaration", "const_declaration", "var_declaration"),
        "type_declaration",
    }
)
_WRAPPERS = ("decorated_definition", "export_statement")
_DOTTED = ("qualified_identifier", "dot_index_expression")
_FUNCTION_VALUES = ("arrow_function", "function_expression", "function_definition")
_LONGEST, _LONGEST_RECORD, _LONGEST_DOC, _LONGEST_DECORATOR = 400, 600, 160, 40
_DEEPEST = 12
_QUOTES = re.compile(r"^[rRuU]?[\"']+|[\"']+$")
_PADDING = re.compile(r"(?<=[(\[])\s+|,?\s+(?=[)\]])")
_COMMENT_SIGNS = re.compile(r"^[\s/*#!\-<]+|[\s*/]+$")


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition of a file."""

    name: str
    kind: Kind
    container: str
    """The class, or whatever else it belongs to; empty at the top."""
    signature: str
    """What stands before its body; of a record and a constant, all of it."""
    doc: str
    """The first line of its documentation, or empty."""
    first: int
    last: int
    """Its lines, from 0, both included."""


def definitions(text: str, language: str) -> list[Definition]:
    """The definitions in a file, in their order; none where its language has no grammar.

    What stands inside of functions is nobody else's business, and left out.
    """
    parser = parser_for(language)
    if parser is None:
        return []
    tree = parser.parse(text.encode("utf-8", "replace"))
    return list(_inside(tree.root_node, "", 0))


def _inside(parent: "Node", container: str, depth: int) -> Iterator[Definition]:
    if depth > _DEEPEST:
        return
    for node in parent.named_children:
        kind = _kind(node, container)
        name, owner = _name(node) if kind else ("", "")
        if kind and name:
            yield Definition(
                name=name,
                kind=kind,
                container=owner or container,
                signature=_signature(node, kind),
                doc=_doc(node),
                first=node.start_point[0],
                last=node.end_point[0],
            )
            body = _body(node)
            if kind == "class" and body is not None:
                yield from _inside(body, name, depth + 1)
        elif node.type in _LOOKED_INTO:
            inner = _text(node.child_by_field_name("type")) if node.type == "impl_item" else ""
            yield from _inside(node, inner.partition("<")[0] or container, depth + 1)


def _kind(node: "Node", container: str) -> Kind | None:
    kind = _KIND_OF.get(node.type)
    if node.type in ("declaration", "field_declaration"):
        inner = node.child_by_field_name("declarator")
        function = inner is not None and inner.type == "function_declarator"
        return "function" if function else ("field" if container else None)
    if kind == "constant":
        value = node.child_by_field_name("value")
        if value is not None and value.type in _FUNCTION_VALUES:
            return "function"
        if container:
            return "field"
    if node.type in ("struct_specifier", "enum_specifier", "class_specifier", "union_specifier"):
        return kind if _body(node) is not None else None
    return kind


def _name(node: "Node") -> tuple[str, str]:
    """The name of a definition, and of what it belongs to where it says so itself."""
    receiver = node.child_by_field_name("receiver")  # of Go's methods
    found = node.child_by_field_name("name") or node.child_by_field_name("left")
    while found is None:
        node = node.child_by_field_name("declarator") or _list_of_one(node) or node
        if node.child_by_field_name("declarator") is None:
            found = node
    if found.named_child_count > 1 and found.type not in _DOTTED:
        return "", ""  # several names at once, as in destructuring
    owner, _, name = _text(found).replace("::", ".").rpartition(".")
    if receiver is not None:
        types = re.findall(r"\w+", _text(receiver).partition("[")[0])
        owner = types[-1] if types else ""
    return (name if re.fullmatch(r"[\w$@?!~]+", name) else ""), owner.rpartition(".")[2]


def _list_of_one(node: "Node") -> "Node | None":
    """The one variable of Lua's assignments."""
    first = node.named_children[0] if node.named_child_count else None
    if first is None or first.type != "variable_list" or first.named_child_count != 1:
        return None
    return first.named_children[0]


def _body(node: "Node") -> "Node | None":
    body = node.child_by_field_name("body")
    if body is None:
        value = node.child_by_field_name("value")
        if value is not None and value.type in _FUNCTION_VALUES:
            return value.child_by_field_name("body")
        named = (child for child in node.named_children if child.type.endswith("_body"))
        body = next(named, None)
    return body


def _signature(node: "Node", kind: Kind) -> str:
    text = _text(node)
    if kind == "record":
        lines = text.split("\n")
        return "\n".join(lines) if len(text) <= _LONGEST_RECORD else lines[0]
    body = _body(node)
    if body is not None and kind != "constant":
        size = len((node.text or b"")[: body.start_byte - node.start_byte].decode(errors="ignore"))
        head = _PADDING.sub("", " ".join(text[:size].split()))[:_LONGEST].rstrip(" {=>")
        return "\n".join([*_decorators(node), head])
    line = text.split("\n", 1)[0] if kind in ("constant", "field") or "\n" in text else text
    return " ".join(line.split())[:_LONGEST].rstrip(" {;")


def _decorators(node: "Node") -> list[str]:
    """Those that are short enough to say what a thing is, such as `@property`."""
    outer = node.parent
    if outer is None or outer.type != "decorated_definition":
        return []
    found = [_text(child) for child in outer.named_children if child.type == "decorator"]
    return [text for text in found if len(text) <= _LONGEST_DECORATOR]


def _doc(node: "Node") -> str:
    """A string that begins the body, or a comment right above."""
    body = node.child_by_field_name("body")
    first = body.named_children[0] if body is not None and body.named_child_count else None
    if first is not None and first.type == "expression_statement" and first.named_child_count:
        first = first.named_children[0]
    if first is not None and first.type == "string":
        return _line(_QUOTES.sub("", _text(first)))
    outer = node
    while outer.parent is not None and outer.parent.start_byte == outer.start_byte:
        outer = outer.parent
    if outer.parent is not None and outer.parent.type in (
        "decorated_definition",
        "export_statement",
    ):
        outer = outer.parent
    comment, above = outer.prev_named_sibling, outer.start_point[0]
    text = ""
    while comment is not None and "comment" in comment.type:
        end = comment.end_point[0] - (comment.end_point[1] == 0)
        if end != above - 1:
            break
        text, above = _text(comment), comment.start_point[0]
        comment = comment.prev_named_sibling
    return _line(text)


def _line(text: str) -> str:
    """The first line that says something."""
    lines = (_COMMENT_SIGNS.sub("", line) for line in text.split("\n"))
    return next((line for line in lines if line), "")[:_LONGEST_DOC]


def _text(node: "Node | None") -> str:
    return "" if node is None or node.text is None else node.text.decode(errors="replace")
