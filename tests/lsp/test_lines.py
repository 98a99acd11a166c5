"""The lines of a long text against a plain list of them."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant_lsp.lines import Lines

changes = st.lists(st.tuples(st.integers(0, 700), st.integers(0, 300), st.integers(0, 300)))


def numbered(count: int, begin: int = 0) -> list[str]:
    """So many lines, of different lengths, of which no two are alike."""
    return [f"{n}{'.' * (n % 7)}\n" for n in range(begin, begin + count)]


@given(st.integers(0, 700), changes)
def test_they_are_what_a_list_is_after_any_changes(
    count: int, changes: list[tuple[int, int, int]]
) -> None:
    plain = numbered(count)
    lines = Lines.of(plain)
    for number, (first, removed, added) in enumerate(changes, start=1):
        first = min(first, len(plain))
        last = min(first + removed, len(plain))
        new = numbered(added, 1_000 * number)
        lines = lines.replaced(first, last, new)
        plain[first:last] = new
    assert list(lines) == plain and len(lines) == len(plain)
    assert lines == Lines.of(plain) and hash(lines) == hash(Lines.of(plain))
    assert lines.text == "".join(plain)
    starts = [0, *accumulate(map(len, plain))]
    assert [lines.start(line) for line in range(len(plain) + 1)] == starts
    assert [lines.place(start) for start in starts[:-1]] == [(n, 0) for n in range(len(plain))]


@given(st.integers(1, 700), st.integers(0, 800), st.integers(0, 800))
def test_a_place_is_the_line_of_a_character(count: int, line: int, column: int) -> None:
    plain = numbered(count)
    lines = Lines.of(plain)
    line, column = line % count, column % len(plain[line % count])
    assert lines.place(lines.start(line) + column) == (line, column)
    behind = len(lines.text) + column
    assert lines.place(behind) == (count - 1, len(plain[-1]) + column)


@given(st.integers(0, 400), st.slices(400))
def test_a_slice_is_that_of_a_list(count: int, part: slice) -> None:
    plain = numbered(count)
    assert list(Lines.of(plain)[part]) == plain[part]


@given(st.integers(1, 400), st.integers(-500, 500))
def test_a_line_is_that_of_a_list(count: int, index: int) -> None:
    plain = numbered(count)
    if -count <= index < count:
        assert Lines.of(plain)[index] == plain[index]
    else:
        with pytest.raises(IndexError):
            Lines.of(plain)[index]
