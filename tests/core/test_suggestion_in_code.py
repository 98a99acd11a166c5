"""What of a model's output is shown in code, where the syntax says how far it goes.

`¦` is the cursor.
"""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assistant.suggestion import Spot
from assistant.syntax import parser_for, unit_of
from tests.syntax.programs import PROGRAMS

LINES = 8


def spot(code: str, language: str, max_lines: int = LINES) -> Spot:
    before, _, after = code.partition("¦")
    return Spot(before, after, max_lines, language)


def shown(code: str, language: str, raw: str, *, cut: bool = False) -> str:
    return spot(code, language).suggestion(raw, cut=cut)


PYTHON = [
    ("def f(a, b):\n    ¦", "x = a\n\n    return x\n\n\ndef g():\n", "x = a\n\n    return x"),
    ("def f(a, b):¦", "\n    return a\nprint(1)\n", "\n    return a"),
    (
        "def f(\n    a,\n):\n    ¦",
        "if a:\n        b()\n    c()\nd()\n",
        "if a:\n        b()\n    c()",
    ),
    ("for a in b:\n    ¦\nelse:\n    d()\n", "c(a)\nelse:\n    e()\n", "c(a)"),
    ("if a:\n    ¦", "b()\nelse:\n    c()\n", "b()"),
    ("class A:\n    ¦", "x: int\n\n    def f(self):\n", "x: int"),
    (
        'def f():\n    """Say it."""\n    ¦',
        'a("""\nb\n""")\n    c()\nd\n',
        'a("""\nb\n""")\n    c()',
    ),
    ("def f():\n    a = 1\n    ¦\n\n\ndef h():\n", "b()\n    c()\n\n    d()\n", "b()\n    c()"),
    ("def f():\n    a = 1\n    ¦", "b()\ndef g():\n    pass\n", "b()"),
    ("x = ¦", "1\ny = 2\n", "1"),
    ("x = ¦\ny = 2\n", "f(\n    1,\n)\nz = 3\n", "f(\n    1,\n)"),
    ("if a ¦", "and b:\n    c()\n", "and b:"),
    ("f(a, ¦)\n", "b)\nc()\n", "b"),
    ("f(g(a, ¦)\n", "b))\n", "b)"),
    ("f(a, ¦\n", "b)\nc()\n", "b)"),
    ("f(\n    a,\n    ¦\n)\n", "b,\n    c,\n)\nd()\n", "b,\n    c,"),
    ("f(\n    a,\n    ¦\n", "b,\n)\n", "b,\n)"),
    ('print("a ¦")\n', 'b")\n', "b"),
    ('print("a ¦', 'b (c)")\nd()\n', 'b (c)")'),
    ("a()  # why ¦", "not (this\nb()\n", "not (this"),
    ('def f():\n    """¦', 'Say it."""\n    return 1\n', 'Say it."""'),
    ("x = {\n    ¦\n}\n", '"a": 1,\n    "b": [2],\n}\ny = 3\n', '"a": 1,\n    "b": [2],'),
    ("x = {¦", '\n    "a": 1,\n\n    "b": 2,\n}\ny = 3\n', '\n    "a": 1,\n\n    "b": 2,\n}'),
    ("def f():\n  ¦\n\n\ndef g():\n  if a:\n    b()\n", "if a:\n      c()\n", "if a:\n    c()"),
    (
        "def f():\n\tif a:\n\t\t¦\n",
        "b()\n\t\tif c:\n            d()\n",
        "b()\n\t\tif c:\n\t\t\td()",
    ),
    ("if a:\n    b()\n¦    c()\n", "d()", "d()"),
    ("def f():\n    a()\n    ¦\n    return bcd\n", "b()\n    return bcd\n", "b()"),
    ("def f():\n    a()\n¦\n    return bcd\n", "    b()\n  return bcd\n", "    b()"),
]
TYPESCRIPT = [
    (
        "function f(a: number) {\n  ¦\n}\n",
        "const b = a;\n\n  return b;\n}\n\nf(1);\n",
        "const b = a;\n\n  return b;",
    ),
    ("function f(a: number) {¦", "\n  return a;\n}\nf(1);\n", "\n  return a;\n}"),
    ("class A {\n  f() {\n    ¦\n}\n", "return 1;\n  }\n\n  g() {", "return 1;\n  }"),
    ("class A {\n  ¦\n}\n", "f() {\n    g();\n  }\n\n  h() {}\n", "f() {\n    g();\n  }"),
    ("const x = ¦;\n", "f(1);\ng();\n", "f(1)"),
    ("if (a ¦) {\n}\n", "&& b) {\n  c();\n", "&& b"),
    ("xs.map((x) => ¦)\n", "x + 1);\ny();\n", "x + 1"),
    ("xs.map((x) => {\n  ¦\n});\n", "return x;\n});\ny();\n", "return x;"),
    ("xs.map((x) => {\n  ¦\n", "return x;\n});\ny();\n", "return x;\n});"),
    ("f((x) => ¦);\n", "{\n  g(x);\n});\nh();\n", "{\n  g(x);\n}"),
    ("f(¦);\n", "[\n  1,\n", ""),
    ("const s = `a ${¦}`;\n", "b}`;\nc();", "b"),
    ("const x = {\n  ¦\n};\n", "a: 1,\n  b: [2],\n};\n", "a: 1,\n  b: [2],"),
    ("f(); // say ¦", "(what\ng();\n", "(what"),
    ("function f() {\n  ¦\n}\n", "if (a) {\n      b();\n  }\n", "if (a) {\n    b();\n  }"),
]
GO = [
    (
        "func f() error {\n\t¦\n}\n",
        "if a {\n\t\treturn b\n\t}\n\treturn nil\n}\n\nfunc",
        "if a {\n\t\treturn b\n\t}\n\treturn nil",
    ),
    ("func f() {\n\tif err ¦\n}\n", "!= nil {\n\t\treturn\n\t}\n", "!= nil {"),
    ("func f() {\n\tif err != nil {¦\n}\n", "\n\t\treturn\n\t}\n\tg()\n", "\n\t\treturn\n\t}"),
    (
        "func f() {\n\tif a {\n\t\tb()\n\t}\n\t¦\n}\n",
        "if c {\n        d()\n    }\n",
        "if c {\n\t\td()\n\t}",
    ),
    ("\tx := f(¦)\n", "a, b)\n\ty()\n", "a, b"),
]
RUST = [
    (
        "fn f(a: i32) -> i32 {\n    ¦\n}\n",
        "let b = a;\n\n    b + 1\n}\n\nfn g() {",
        "let b = a;\n\n    b + 1",
    ),
    (
        "impl A {\n    ¦\n}\n",
        "fn f() {\n        1\n    }\n\n    fn g()",
        "fn f() {\n        1\n    }",
    ),
    (
        "fn f() {\n    match a {\n        ¦\n    }\n}\n",
        "1 => b(),\n        _ => c(),\n    }\n}\n",
        "1 => b(),\n        _ => c(),",
    ),
    ("fn f() {\n    let s = ¦;\n}\n", "String::new();\n", "String::new()"),
    ("let v = xs.iter().map(|x| ¦)\n", "x + 1).collect();\n", "x + 1"),
]
JAVA = [
    (
        "class A {\n    int f() {\n        ¦\n    }\n}\n",
        "int a = 1;\n\n        return a;\n    }\n\n    int g() {",
        "int a = 1;\n\n        return a;",
    ),
    (
        "class A {\n    int f() {¦\n}\n",
        "\n        return 1;\n    }\n\n    void g",
        "\n        return 1;\n    }",
    ),
    ("class A {\n    ¦\n}\n", "int a;\n    int b;\n\n    int f()", "int a;\n    int b;"),
    ("        System.out.println(¦);\n", '"a(" + b);\n        c();', '"a(" + b'),
]
CPP = [
    (
        "int f()\n{\n    ¦\n}\n",
        "int a = g();\n\n    return a;\n}\n\nint h",
        "int a = g();\n\n    return a;",
    ),
    ("class A {\npublic:\n    ¦\n};\n", "A();\n    ~A();\n\nprivate:\n", "A();\n    ~A();"),
    ("int main() {\n    std::vector<int> v{¦};\n", "1, 2};\n", "1, 2"),
    ("int f() {\n    for (int i = 0; ¦)\n}\n", "i < 9; i++) {\n", "i < 9; i++"),
    ("int f() {\n    while (a) {\n        ¦\n}\n", "b();\n    }\n    c();\n}\n", "b();\n    }"),
]
BASH = [
    ("f() {\n    ¦\n}\n", 'echo "$1 (one)"\n\n    g\n}\n\nf\n', 'echo "$1 (one)"\n\n    g'),
    ("if [ -f a ]; then\n    ¦\nfi\n", "b\nfi\nc\n", "b"),
    ("if [ -f a ]; then\n    ¦", "b\nfi\nc\n", "b\nfi"),
    ("for a in b; do\n    ¦", "c\ndone\nd\n", "c\ndone"),
    ("x=$(f ¦)\n", "a)\ny\n", "a"),
    ("case $a in\n    ¦\nesac\n", "b) c ;;\n    *) d ;;\nesac\n", "b) c ;;\n    *) d ;;"),
]
OTHERS = [
    ("lua", "function f(a)\n  ¦", "return a\nend\n\nfunction g()", "return a\nend"),
    (
        "lua",
        "function f(a)\n  ¦\nend\n",
        "local b = a\n\n  return b\nend\n",
        "local b = a\n\n  return b",
    ),
    ("ruby", "class A\n  def f\n    ¦\nend\n", "1\n  end\n\n  def g", "1\n  end"),
    ("ruby", "xs.each do |x|\n  ¦\nend\n", "y if x\n\n  z\nend\n", "y if x\n\n  z"),
    (
        "php",
        "<?php\nfunction f() {\n    ¦\n}\n",
        "$a = 1;\n\n    return $a;\n}\n",
        "$a = 1;\n\n    return $a;",
    ),
    (
        "kotlin",
        "fun f(): Int {\n    ¦\n}\n",
        "val a = 1\n\n    return a\n}\n",
        "val a = 1\n\n    return a",
    ),
    (
        "csharp",
        "class A {\n    int F() {\n        ¦\n    }\n}\n",
        "var a = 1;\n\n        return a;\n    }\n",
        "var a = 1;\n\n        return a;",
    ),
    ("c", "int f(void) {\n    ¦", "g();\n\n    return 1;\n}\n\nint h", "g();\n\n    return 1;\n}"),
    ("javascript", "f(() => {\n  ¦\n});\n", "g();\n\n  h();\n});\n", "g();\n\n  h();"),
    ("text", "a\n\n¦", "b\nc\n\nd", "b\nc"),
    ("markdown", "- a (b\n¦", "- c)\n- d\n\ne", "- c)\n- d"),
]
CASES = [
    *(("python", *case) for case in PYTHON),
    *(("typescript", *case) for case in TYPESCRIPT),
    *(("go", *case) for case in GO),
    *(("rust", *case) for case in RUST),
    *(("java", *case) for case in JAVA),
    *(("cpp", *case) for case in CPP),
    *(("bash", *case) for case in BASH),
    *OTHERS,
]


@pytest.mark.parametrize(("language", "code", "raw", "text"), CASES)
def test_a_suggestion_ends_where_the_syntax_ends_it(
    language: str, code: str, raw: str, text: str
) -> None:
    assert shown(code, language, raw) == text


def faults(language: str, code: str) -> int:
    """In how many places a program cannot be read."""
    parser = parser_for(language)
    assert parser is not None
    todo, count = [parser.parse(code.encode()).root_node], 0
    while todo:
        node = todo.pop()
        if node.has_error:
            count += node.is_error or node.is_missing
            todo += node.children
    return count


def statements(language: str, code: str) -> list[tuple[int, int]]:
    """Where the lines of a program are that hold one thing: a statement, a function, a field."""
    parser = parser_for(language)
    assert parser is not None
    todo, found, lines = [parser.parse(code.encode()).root_node], set(), code.split("\n")
    while todo:
        node = todo.pop()
        first, last = node.start_point, node.end_point
        alone = not lines[first.row].encode()[: first.column].strip()
        if alone and not lines[last.row].encode()[last.column :].strip() and node.is_named:
            found.add((first.row, last.row + 1))
        todo += node.children
    return sorted(found - {(0, len(lines)), (0, len(lines) - 1)})


@st.composite
def holes(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """A language, what stands before and behind some lines of a program, and these lines."""
    language = draw(st.sampled_from(sorted(PROGRAMS)))
    code = PROGRAMS[language]
    first, last = draw(st.sampled_from(statements(language, code)))
    lines = code.split("\n")
    line = lines[first]
    column = draw(st.sampled_from((len(line) - len(line.lstrip()), len(line.rstrip()))))
    before = "\n".join([*lines[:first], line[:column]])
    hole = "\n".join([line[column:], *lines[first + 1 : last]])
    return language, before, "\n" + "\n".join(lines[last:]), hole


@settings(max_examples=300, deadline=None)
@given(holes(), st.integers(0, 40))
def test_what_a_good_model_writes_leaves_no_more_faults(
    hole: tuple[str, str, str, str], more: int
) -> None:
    language, before, after, text = hole
    at = Spot(before, after, 200, language)
    accepted = at.suggestion(text + after[:more], cut=False)
    whole = before + accepted + after
    assert faults(language, whole) <= faults(language, before + after), whole


@settings(max_examples=100, deadline=None)
@given(holes(), st.data())
def test_whatever_is_written_nothing_below_is_said_again(
    hole: tuple[str, str, str, str], data: st.DataObject
) -> None:
    language, before, after, _ = hole
    lines = st.sampled_from(PROGRAMS[language].split("\n"))
    raw = "\n".join(data.draw(st.lists(lines, max_size=8)))
    accepted = Spot(before, after, 8, language).suggestion(raw, cut=data.draw(st.booleans()))
    below = next((line for line in after.split("\n")[1:] if line.strip()), "")
    if sum(map(str.isalnum, below)) < 3:
        return
    left = before.rpartition("\n")[2]
    told = [line.rstrip() for line in (left + accepted).split("\n")]
    assert below.rstrip() not in (told if accepted else told[1:])
    assert left.strip() or below.strip() != told[0].strip() or not accepted


@settings(max_examples=200, deadline=None)
@given(holes(), st.sampled_from(("\t", "  ", "    ")))
def test_lines_are_indented_as_the_file_is(hole: tuple[str, str, str, str], unit: str) -> None:
    language, before, after, text = hole
    old = "\t" if language == "go" else unit_of(before, after)
    assume(old is not None)
    assert old is not None
    first, *lines = text.split("\n")
    moved = "\n".join([first, *(inner_unit(line, before, old, unit) for line in lines)])
    accepted = Spot(before, after, 200, language).suggestion(moved, cut=False)
    indents = [line[: len(line) - len(line.lstrip())] for line in accepted.split("\n")[1:]]
    assert not any((" " if old == "\t" else "\t") in indent for indent in indents), accepted


def inner_unit(line: str, before: str, old: str, unit: str) -> str:
    """A line of a hole as a model writes it that indents what it adds by another unit."""
    left = before.rpartition("\n")[2]
    base = left[: len(left) - len(left.lstrip())]
    content = line.lstrip()
    added = line[: len(line) - len(content)].removeprefix(base)
    return base + added.replace(old, unit) + content if content else line


@settings(max_examples=100, deadline=None)
@given(holes(), st.integers(0, 400), st.integers(0, 60))
def test_when_enough_is_there_more_changes_nothing(
    hole: tuple[str, str, str, str], end: int, more: int
) -> None:
    language, before, after, text = hole
    raw, at = text + after[:more], Spot(before, after, 8, language)
    if at.enough(raw[:end]):
        assert at.suggestion(raw[:end], cut=False) == at.suggestion(raw, cut=False)
