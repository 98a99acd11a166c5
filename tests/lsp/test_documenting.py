"""Where documentation goes."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant_lsp.documenting import undocumented

PYTHON = """class A(
    B,
):  # a comment: with a colon
    def f(self, x: dict[str, int] = {}):

        return 1

    def g(self):
        'Documented.'

    def h(self): pass
"""


@pytest.mark.parametrize(("row", "where"), [(0, 3), (3, 5), (5, 5), (7, None), (10, None)], ids=str)
def test_the_first_line_of_the_body(row: int, where: int | None) -> None:
    gap = undocumented(PYTHON.splitlines(keepends=True), row, "python")
    assert (gap and gap.row) == where


def test_other_languages_have_comments_above() -> None:
    lines = ["\n", "  function f(a) {\n", "    return a;\n", "  }\n"]
    gap = undocumented(lines, 2, "javascript")
    assert gap is not None and gap.row == 1
    assert gap.text("Give it back.\n\nAlways.", "javascript") == [
        "  // Give it back.",
        "  //",
        "  // Always.",
    ]
    lines[0] = "  // documented\n"
    assert undocumented(lines, 2, "javascript") is None


@given(st.text("a\"\\' \n漢", min_size=1).filter(str.strip))
def test_whatever_is_said_is_a_docstring(words: str) -> None:
    lines = ["def f():\n", "    return 1\n"]
    gap = undocumented(lines, 0, "python")
    assert gap is not None
    text = [line + "\n" for line in gap.text(words, "python")]
    parsed = ast.parse("".join(lines[:1] + text + lines[1:]))
    function = parsed.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function) is not None
    assert len(function.body) == 2
