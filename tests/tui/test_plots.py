"""Plots of letters: where dots stand, what a bar is cut into, and how a legend is laid out."""

import math

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from assistant_tui.plots import Bar, Canvas, Legend, Line, LinePlot, Part, Range, merged, range_of


def drawn(width: int, height: int, *lines: Line, across: Range, up: Range) -> list[str]:
    canvas = Canvas(width, height)
    for line in lines:
        canvas.draw(line, across, up)
    return [row.plain for row in canvas.rows()]


def test_a_line_goes_from_corner_to_corner() -> None:
    unit = Range(0, 1)
    assert drawn(2, 1, Line([(0, 0), (1, 1)], "$primary"), across=unit, up=unit) == ["⡠⠊"]
    assert drawn(2, 1, Line([(0, 1), (1, 0)], "$primary"), across=unit, up=unit) == ["⠑⢄"]
    rows = drawn(1, 2, Line([(0, 0), (0, 1)], "$primary"), across=unit, up=unit)
    assert rows == ["⡇", "⡇"]


def test_a_point_alone_is_a_dot_and_none_is_nothing() -> None:
    unit = Range(0, 1)
    assert drawn(1, 1, Line([(0, 1)], "$primary"), across=unit, up=unit) == ["⠁"]
    assert drawn(1, 1, Line([], "$primary"), across=unit, up=unit) == ["⠀"]


def test_what_is_beyond_the_range_is_left_out() -> None:
    unit = Range(0, 1)
    assert drawn(1, 1, Line([(2, 0.5), (3, 0.5)], "$primary"), across=unit, up=unit) == ["⠀"]


def test_each_line_keeps_its_style_where_it_is_drawn_last() -> None:
    canvas = Canvas(2, 1)
    unit = Range(0, 1)
    canvas.draw(Line([(0, 0), (1, 0)], "$primary"), unit, unit)
    canvas.draw(Line([(1, 1)], "$accent"), unit, unit)
    (row,) = canvas.rows()
    assert [str(span.style) for span in row.spans] == ["$primary", "$accent"]


@pytest.mark.parametrize(
    ("values", "from_zero", "expected"),
    [
        ([1.0, 3.0], True, Range(0, 3)),
        ([1.0, 3.0], False, Range(1, 3)),
        ([2.0], False, Range(1.5, 2.5)),
        ([0.0, 0.0], True, Range(0, 1)),
        ([], True, Range(0, 1)),
    ],
)
def test_no_range_is_empty(values: list[float], from_zero: bool, expected: Range) -> None:
    assert range_of(values, from_zero=from_zero) == expected


def test_many_points_become_one_for_each_column() -> None:
    points = [(float(step), math.sin(step)) for step in range(10_000)]
    few = merged(points, Range(0, 9_999), 100)
    assert len(few) == 100
    assert [x for x, _ in few] == sorted(x for x, _ in few)
    assert merged(few, Range(0, 9_999), 100) == few


class Pictures(App[None]):
    def compose(self) -> ComposeResult:
        yield Bar()
        yield Legend(lambda size: f"{size:.0f} GB")
        yield LinePlot("loss", lambda value: f"{value:.1f}", from_zero=False, key="loss")


async def test_a_bar_is_as_wide_as_there_is_room_and_its_legend_has_columns() -> None:
    parts = [Part("weights", 4, "$primary"), Part("rest", 1, "$accent")]
    app = Pictures()
    async with app.run_test(size=(20, 10)) as pilot:
        bar, legend = app.query_one(Bar), app.query_one(Legend)
        bar.show(parts, 10)
        legend.show(parts)
        await pilot.pause()
        assert str(bar.render()) == "█" * 10 + "─" * 10
        assert str(legend.render()).splitlines() == ["█ weights 4 GB ", "█ rest 1 GB    "]
        bar.show(parts, 4)
        assert str(bar.render()) == "█" * 20
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert str(legend.render()) == "█ weights 4 GB █ rest 1 GB    "
        assert legend.size.height == 1


async def test_a_plot_has_its_range_at_the_left_and_survives_having_no_room() -> None:
    app = Pictures()
    async with app.run_test(size=(20, 10)) as pilot:
        plot = app.query_one(LinePlot)
        assert "nothing measured yet" in str(plot.render())
        plot.show((Line([(0, 1.5), (4, 3.5)], "$primary"),), Range(0, 4), Content())
        rows = str(plot.render()).splitlines()
        assert rows[0].startswith("3.5▏") and rows[-1].startswith("1.5▏")
        assert {len(row) for row in rows} == {20}
        for size in ((3, 10), (20, 2), (1, 1)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            plot.render()
