"""What files define and import, in every language that has a grammar."""

import pytest

from assistant.syntax import languages
from assistant.syntax.definitions import definitions
from assistant.syntax.imports import Import, imports

TEXTS = {
    "python": '''
import a.b as c, d
from .x import (y as z, w)

@cached
def f(
    a: int,
    b=2,
) -> str:
    """Says it.

    At length.
    """
    def inner(): pass

class C(B):
    size: int = 1

    @property
    async def m(self): ...

LIMIT = 3
''',
    "typescript": '''
import d, {a, b as c} from './x/y.js';
/** Says it. */
export function f<T>(a: T): number { return 1 }
export abstract class C extends D { m(a: string): void {} private size = 1 }
interface I { a: string }
type T = string | number;
export const g = (x: number): number => x + 1;
''',
    "go": '''
package p
import x "a/b"
// F says it.
func F(a int) (string, error) { return "", nil }
func (s *S) M() {}
type S struct { A int }
const K = 1
''',
    "rust": '''
use crate::a::{B, c::d as e};
/// Says it.
pub fn f<T>(a: T) -> u8 { 1 }
pub struct S { a: u8 }
impl S { fn m(&self) {} }
''',
    "java": '''
import a.b.C;
/** Says it. */
public class D extends E { public int m(int a) { return 1; } int size; }
''',
    "c": '''
#include "a/x.h"
#include <stdio.h>
/* Says it. */
static int *f(int a) { return 0; }
struct S { int a; };
int g(void);
#define K 1
''',
    "cpp": '''
namespace n { class C : public B { public: int m(int a) const; }; }
int n::C::k(int a) const { return 1; }
''',
}  # fmt: skip
NAMES = {
    "python": ["f", "C", "C.size", "C.m", "LIMIT"],
    "typescript": ["f", "C", "C.m", "C.size", "I", "I.a", "T", "g"],
    "go": ["F", "S.M", "S", "K"],
    "rust": ["f", "S", "S.m"],
    "java": ["D", "D.m", "D.size"],
    "c": ["f", "S", "g", "K"],
    "cpp": ["C", "C.m", "C.k"],
}
SIGNATURES = {
    "python": "@cached\ndef f(a: int, b=2) -> str:",
    "typescript": "function f<T>(a: T): number",
    "go": "func F(a int) (string, error)",
    "rust": "pub fn f<T>(a: T) -> u8",
    "java": "public class D extends E",
    "c": "static int *f(int a)",
}
IMPORTS = {
    "python": [Import(("a", "b")), Import(("d",)), Import(("x",), ("y", "w"), 1)],
    "typescript": [Import(("x", "y"), ("a", "b"), 1)],
    "go": [Import(("a", "b"))],
    "rust": [Import(("a",), ("B",)), Import(("a", "c"), ("d",))],
    "java": [Import(("a", "b"), ("C",))],
    "c": [Import(("a", "x"))],
}
OTHERS = {
    "bash": "f() { echo; }\n",
    "csharp": "namespace N { class C { int M() { return 1; } } }\n",
    "javascript": "const f = function (x) { return x }\n",
    "kotlin": "fun f(a: Int): String { return \"\" }\n",
    "lua": "function M.f(a)\n  return a\nend\n",
    "php": "<?php\nfunction f($a) {}\n",
    "ruby": "module M\n  class C\n    def f(a)\n    end\n  end\nend\n",
}  # fmt: skip


@pytest.mark.parametrize("language", NAMES)
def test_what_is_defined(language: str) -> None:
    found = definitions(TEXTS[language], language)
    named = [f"{d.container}.{d.name}" if d.container else d.name for d in found]
    assert named == NAMES[language]


@pytest.mark.parametrize("language", SIGNATURES)
def test_the_head_of_a_definition_and_what_its_documentation_says_first(language: str) -> None:
    first = definitions(TEXTS[language], language)[0]
    assert first.signature == SIGNATURES[language]
    assert first.doc.endswith("ays it.")


@pytest.mark.parametrize("language", IMPORTS)
def test_what_is_imported(language: str) -> None:
    assert imports(TEXTS[language], language) == IMPORTS[language]


@pytest.mark.parametrize("language", OTHERS)
def test_other_languages(language: str) -> None:
    found = definitions(OTHERS[language], language)
    assert found and found[-1].name in ("f", "M")
    assert found[-1].signature in OTHERS[language]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("text", ["", "\0", "((((", "class", "def f(", "你好 🙂 = 1\n", "\ud83d"])
def test_no_text_is_too_broken(language: str, text: str) -> None:
    for one in definitions(text, language):
        assert one.name in text and 0 <= one.first <= one.last <= text.count("\n")
    assert all(part in text for one in imports(text, language) for part in one.module)


def test_a_language_without_a_grammar_defines_nothing() -> None:
    assert definitions("def f(): ...", "cobol") == []
    assert imports("import a", "cobol") == []


def test_lines_count_from_the_first() -> None:
    (found,) = definitions("\n\ndef f():\n    return 1\n", "python")
    assert (found.first, found.last) == (2, 3)
