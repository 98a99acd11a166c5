"""What the judge says of programs that do nothing bad."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant_eval.code.inside.values import decode, encode
from assistant_eval.code.sandbox import Sandbox
from assistant_eval.code.tasks import Task

PLAIN = (
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.complex_numbers(allow_nan=False)
        | st.text()
        | st.binary(),
        lambda inner: (
            st.lists(inner)
            | st.lists(inner).map(tuple)
            | st.dictionaries(st.text() | st.integers() | st.tuples(st.text()), inner)
        ),
        max_leaves=20,
    )
    | st.frozensets(st.integers())
    | st.sets(st.text())
)


@given(PLAIN)
def test_plain_values_come_through_as_they_are(value: Any) -> None:
    found = decode(encode(value))
    assert found == value
    assert repr(type(found)) == repr(type(value))


def test_an_integer_of_any_length_comes_through() -> None:
    assert decode(encode(-(7**9_000))) == -(7**9_000)


def task(body: str, test: str) -> Task:
    return Task("t", "import re\ndef f(*a):\n", "f", body, f"def check(candidate):\n{test}")


@pytest.mark.parametrize(
    ("program", "kind", "told"),
    [
        ("def f(x): return [x, {x: (x,)}]", "passed", ""),
        ("def f(x): return [x, {x: [x]}]", "wrong", "assert candidate(1) == [1, {1: (1,)}]"),
        ("def f(x): return 1 / 0", "error", "ZeroDivisionError"),
        ("def f(x): return undefined", "error", "NameError"),
        ("def f(x)", "error", "SyntaxError"),
        ("f = 3", "error", "TypeError"),
        ("", "error", "defines no f"),
        ("import numpy", "error", "No module named 'numpy'"),
        ("def f(x): return f(x)", "error", "RecursionError"),
    ],
)
def test_a_verdict_says_what_was_wrong(
    sandbox: Sandbox, program: str, kind: str, told: str
) -> None:
    test = "    assert candidate(1) == [1, {1: (1,)}]\n"
    verdict = sandbox.run(task("    pass\n", test), program)
    assert verdict.kind == kind
    assert told in verdict.told


def test_tests_may_ask_for_an_exception(sandbox: Sandbox) -> None:
    test = (
        "    try:\n        candidate(-1)\n    except ValueError as error:\n"
        "        assert 'negative' in str(error)\n    else:\n        assert False\n"
    )
    asked = task("    raise ValueError('negative')\n", test)
    assert sandbox.run(asked, asked.solution).passed
    assert sandbox.run(asked, "def f(x): return x").kind == "wrong"
    assert sandbox.run(asked, "def f(x): raise KeyError(x)").kind == "error"


def test_tests_may_use_what_the_prompt_defines(sandbox: Sandbox) -> None:
    asked = Task(
        "t",
        'def double(x): return 2 * x\n\n\ndef f(x):\n    """Half."""\n',
        "f",
        "    return x / 2\n",
        "def check(candidate): assert candidate(double(4)) == 4 == f(8)",
    )
    assert sandbox.run(asked, asked.solution).passed
    # A program that changes what the prompt defines changes nothing for the tests.
    assert not sandbox.run(asked, "def double(x): return 0\ndef f(x): return 0").passed


def test_values_that_are_made_one_by_one_are_compared_so(sandbox: Sandbox) -> None:
    asked = task("    pass\n", "    assert list(candidate(3)) == [0, 1, 2]\n")
    assert sandbox.run(asked, "def f(x): yield from range(x)").passed
    asked = task("    pass\n", "    assert candidate(3) == [0, 1, 2]\n")
    assert sandbox.run(asked, "def f(x): yield from range(x)").kind == "wrong"


def test_a_set_has_the_same_order_every_time(sandbox: Sandbox) -> None:
    asked = task("    pass\n", "    raise ValueError(candidate())\n")
    program = "def f(): return list({'a', 'b', 'c', 'd', 'e', 'f', 'g'}) + [object().__repr__()]"
    said = {sandbox.run(asked, program).told for _ in range(3)}
    assert len(said) == 1
