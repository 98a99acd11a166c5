"""JSON is read in pieces as it would be read at once, wherever the pieces end."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant_finetune.data import Document, Journal, Source, read_all
from assistant_finetune.data.reading import json_values
from assistant_finetune.data.reading.json_values import Broken, Found, ValueReader

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"]', "}, {", "\\", "\n{", "[[", "\u2028", "🙂"]
)
VALUES = st.dictionaries(
    TEXTS,
    st.recursive(
        TEXTS | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@pytest.fixture(params=[5, 64, 2**20], autouse=True)
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "_PIECE", request.param)


def read(text: str) -> list[Found | Broken]:
    return list(ValueReader(io.StringIO(text)).values())


def lines_of(text: str, values: list[Any], indent: int | None) -> list[int]:
    """Where each value begins, found by writing it again."""
    lines, place = [], 0
    for value in values:
        written = json.dumps(value, indent=indent, ensure_ascii=False)
        written = written.replace("\n", "\n" + " " * (indent or 0))
        place = text.index(written, place)
        lines.append(text.count("\n", 0, place) + 1)
        place += len(written)
    return lines


@settings(max_examples=150, deadline=None)
@given(values=st.lists(VALUES, max_size=5), indent=st.sampled_from([None, 1, 4]))
def test_a_list(values: list[Any], indent: int | None) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=False)
    found = read(text)
    assert [one.value for one in found if isinstance(one, Found)] == values
    assert len(found) == len(values)
    assert [one.line for one in found] == lines_of(text, values, indent)


@settings(max_examples=150, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=4), indent=st.sampled_from([None, 2]))
def test_values_in_a_row(values: list[Any], indent: int | None) -> None:
    text = "\n".join(json.dumps(value, indent=indent, ensure_ascii=False) for value in values)
    if any(name in json_values.LISTS for name in values[0]):
        return
    assert [one.value for one in read(text) if isinstance(one, Found)] == values


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(VALUES, min_size=1, max_size=5),
    place=st.integers(0, 5),
    broken=st.sampled_from(['{"a": }', '{"a" 1}', "{'a': 1}", '{"a": "x}', "{", '{"a": [1, 2}']),
)
def test_behind_a_broken_element_reading_goes_on(
    values: list[Any], place: int, broken: str
) -> None:
    elements = [json.dumps(value) for value in values]
    elements.insert(place, broken)
    found = read("[\n  " + ",\n  ".join(elements) + "\n]")
    assert [one.value for one in found if isinstance(one, Found)] == values
    (wrong,) = (one for one in found if isinstance(one, Broken))
    assert wrong.line == min(place, len(values)) + 2
    assert broken in wrong.text


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60) | st.text('[]{}":,\\ \n1a', max_size=40))
def test_anything_at_all_ends(text: str) -> None:
    lines = text.count("\n") + 1
    assert all(1 <= one.line <= lines for one in read(text))


def test_bytes_that_are_no_utf8_in_a_text_are_told(tmp_path: Path) -> None:
    file = tmp_path / "old.txt"
    file.write_bytes(b"caf\xe9 au lait\n")
    journal = Journal()
    (example,) = read_all([Source(str(file))], journal)
    assert isinstance(example, Document)
    assert example.text == "caf\ufffd au lait\n"
    assert journal.changed == {"bytes that are no UTF-8 read as U+FFFD": 1}
