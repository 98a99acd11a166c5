"""Functions with docstrings, taken out of source files."""

import ast
import inspect
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tools.starter import prose

MAX_LINES = 32

Part = Literal["train", "development", "held out"]
"""What a text is for: to learn from, to look at while the recipe is worked on, or to measure."""


@dataclass(frozen=True)
class Function:
    """A function without its docstring, and the docstring's first paragraph."""

    path: str
    part: Part
    source: str
    summary: str


def functions_of(text: str, path: str, part: Part) -> list[Function]:
    """The short documented functions of a Python file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    lines = text.splitlines()
    return [
        Function(path, part, source, summary)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for source, summary in _pair(node, lines)
    ]


def _pair(
    node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]
) -> Iterator[tuple[str, str]]:
    doc = ast.get_docstring(node)
    if not doc or len(node.body) < 2:
        return
    summary = prose.plain(re.split(r"\n\s*\n", inspect.cleandoc(doc))[0])
    first = node.body[0]
    end = node.end_lineno or first.lineno
    count = end - node.lineno - ((first.end_lineno or first.lineno) - first.lineno)
    if not 3 <= count <= MAX_LINES or not 12 <= len(summary) <= 250 or summary.endswith(":"):
        return
    if sum(character.isalpha() or character == " " for character in summary) < 0.8 * len(summary):
        return
    kept = lines[node.lineno - 1 : first.lineno - 1] + lines[first.end_lineno or first.lineno : end]
    yield textwrap.dedent("\n".join(kept)) + "\n", summary
