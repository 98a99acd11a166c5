"""Bars of every width, and differences in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from assistant_tui.evaluation.charts import Row, bar, drawn
from assistant_tui.evaluation.comparison import Pair, Side, in_words, read_comparison, verdict

SHARES = st.floats(0, 1)
ROWS = st.lists(
    st.builds(Row, st.text(max_size=30), st.none() | SHARES, st.none() | SHARES, st.just("50.0"))
)


@given(ROWS, st.none() | SHARES, st.integers(1, 90))
def test_a_chart_is_as_wide_as_there_is_room(
    rows: list[Row], chance: float | None, width: int
) -> None:
    lines = list(drawn(rows, chance, width))
    assert len(lines) == (len(rows) + 1 if rows else 0)
    if width >= 12:
        for line, row in zip(lines[1:], rows, strict=False):
            assert row.share is None or cell_len(line.plain) <= width


def test_a_bar_fades_over_its_standard_error() -> None:
    assert bar(Row("", 0.5, 0.2), 10, None).plain == "███▓▓░░   "
    assert bar(Row("", 0.5), 10, None).plain == "█████     "
    assert bar(Row("", 0.1), 10, 0.25).plain == "█ ┊       "
    assert bar(Row("", 1.0), 10, 0.25).plain == "██┊███████"


def test_wide_letters_leave_the_bars_in_line() -> None:
    rows = [Row("解剖学", 0.5, None, "50.0"), Row("anatomy", 0.5, None, "50.0")]
    first, second = [line.plain for line in drawn(rows, None, 60)][1:]
    assert cell_len(first[: first.index("█")]) == cell_len(second[: second.index("█")])


@pytest.mark.parametrize(
    ("p_value", "b", "said"),
    [
        (0.5, 0.6, "No difference is shown."),
        (0.01, 0.6, "B is better."),
        (0.01, 0.2, "B is worse."),
    ],
)
def test_a_verdict(p_value: float, b: float, said: str) -> None:
    assert verdict(Pair("", Side(0.4, None), Side(b, None), 3, 1, -0.1, 0.3, p_value)) == said


def test_few_changes_are_told_one_by_one() -> None:
    score = {"accuracy": 0.5, "stderr": 0.1, "questions": 4}
    whole = {
        "a": score,
        "b": {**score, "accuracy": 0.75},
        "gained": 1,
        "lost": 0,
        "low": 0.0,
        "high": 0.5,
        "p_value": 0.0004,
    }
    changed = [{"subject": "formal_logic", "question": "0", "a": 0.0, "b": 1.0}]
    found = read_comparison(
        {"a": "x", "b": "y", "protocol": None, "whole": whole, "subjects": {}, "changed": changed}
    )
    assert found.changes[0].question == "formal logic 1" and found.changes[0].better
    said = " ".join(in_words(found))
    assert "+25.0 points" in said and "less than once in a thousand times" in said
    assert "B is better at 1 question, and worse at 0 questions." in said
