"""Every grammar reads its language."""

import pytest

from assistant.syntax import languages, parser_for

_SAMPLES = {
    "bash": "f() { echo 1; }",
    "c": "int f(void) { return 1; }",
    "cpp": "class A { int f() { return 1; } };",
    "csharp": "class A { int F() { return 1; } }",
    "go": "package a\nfunc f() int { return 1 }",
    "java": "class A { int f() { return 1; } }",
    "javascript": "function f() { return 1 }",
    "javascriptreact": "const f = () => <p>1</p>",
    "kotlin": "fun f(): Int { return 1 }",
    "lua": "function f() return 1 end",
    "php": "<?php function f() { return 1; }",
    "python": "def f():\n    return 1\n",
    "ruby": "def f\n  1\nend",
    "rust": "fn f() -> i32 { 1 }",
    "sh": "f() { echo 1; }",
    "shellscript": "f() { echo 1; }",
    "typescript": "function f(): number { return 1 }",
    "typescriptreact": "const f = (): Node => <p>1</p>",
}


@pytest.mark.parametrize("language", languages())
def test_a_program_is_read_without_errors(language: str) -> None:
    parser = parser_for(language)
    assert parser is not None
    assert not parser.parse(_SAMPLES[language].encode()).root_node.has_error


def test_other_languages_have_no_syntax() -> None:
    assert parser_for("klingon") is None
