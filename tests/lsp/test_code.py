"""Which lines an action in code is about."""

import textwrap

import pytest

from assistant_lsp.code import Comment, comment_at, enclosing, indented_like

PYTHON = textwrap.dedent(
    '''\
    import os


    @cached
    def outer(
        a,
    ) -> int:
        """Doc."""

        def inner():
            return a

        return inner()


    class Thing:
        def method(self):
            pass


    print(outer(1))
    '''
).split("\n")
C = textwrap.dedent(
    """\
    #include <stdio.h>

    static int twice(int a)
    {
        return a + a;
    }

    int main(void) {
        if (twice(2)) {
            return 1;
        }
        return 0;
    }
    """
).split("\n")
RUST = textwrap.dedent(
    """\
    pub fn f() {
        let x = 1;

        if x == 1 {
            g();
        }
    }

    fn g() {}
    """
).split("\n")


@pytest.mark.parametrize(
    ("lines", "row", "first", "last"),
    [
        (PYTHON, 4, 4, 12),
        (PYTHON, 7, 4, 12),
        (PYTHON, 10, 9, 10),
        (PYTHON, 12, 4, 12),
        (PYTHON, 16, 16, 17),
        (PYTHON, 15, 15, 17),
        (C, 9, 7, 12),
        (RUST, 4, 0, 6),
        (RUST, 6, 0, 6),
        (RUST, 8, 8, 8),
    ],
)
def test_the_function_around_a_line(lines: list[str], row: int, first: int, last: int) -> None:
    assert enclosing(lines, row) == (first, last + 1)


def test_what_one_sees_where_there_is_no_function() -> None:
    assert enclosing(PYTHON, 20) == (0, len(PYTHON))
    lines = [f"x{number} = {number}" for number in range(1000)]
    first, end = enclosing(lines, 500)
    assert first < 500 < end and end - first <= 120


@pytest.mark.parametrize(
    ("line", "language", "is_comment"),
    [
        ("# x", "python", True),
        ("#!/bin/sh", "shellscript", False),
        ("// x", "python", False),
        ("  // x", "rust", True),
        ("/* x */", "c", True),
        ("#include <x>", "c", False),
        ("-- x", "lua", True),
        ("x # y", "python", False),
        ("", "python", False),
    ],
)
def test_what_a_comment_is(line: str, language: str, is_comment: bool) -> None:
    assert (comment_at([line], 0, language) is not None) is is_comment


def test_all_lines_of_a_comment_belong_to_it() -> None:
    lines = ["x", "  # a", "  # b", "  # c", "y"]
    assert comment_at(lines, 2, "python") == Comment(1, 3, "  ")
    assert comment_at(lines, 9, "python") is None


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("x\n  y", ["    x", "      y"]),
        ("      x\n        y\n", ["    x", "      y"]),
        ("\n  if a:\n\n    b  \nc", ["    if a:", "", "      b", "    c"]),
        ("\n", []),
    ],
)
def test_code_begins_where_its_comment_does(code: str, lines: list[str]) -> None:
    assert indented_like(Comment(0, 0, "    "), code) == lines
