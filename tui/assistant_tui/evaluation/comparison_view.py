"""Two evaluations beside each other: what is shown, by subject, and the questions that changed."""

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant_tui.controls import visible
from assistant_tui.evaluation.charts import Chart, Row
from assistant_tui.evaluation.comparison import (
    Change,
    Comparison,
    Pair,
    in_words,
    points,
    verdict,
)

_A, _B = "$secondary", "$accent"
_MUTED = "$foreground 60%"
_FOUR_LETTERS = 0.25


class ComparisonView(VerticalScroll):
    """Shows one comparison."""

    can_focus = True

    def compose(self) -> ComposeResult:
        """Words, bars, and questions."""
        yield Static(classes="words")
        yield Chart()
        yield Static(classes="changes")

    def wait(self, a: str, b: str) -> None:
        """Say that two runs are being compared."""
        self.query_one(".words", Static).update(Content(visible(f"Comparing {a} with {b} …")))
        self.query_one(Chart).show(())
        self.query_one(".changes", Static).update("")

    def show(self, found: Comparison) -> None:
        """Show it, from its begin."""
        self.query_one(".words", Static).update(Content("\n").join(_words(found)))
        self.query_one(Chart).show(list(_rows(found)), _FOUR_LETTERS if found.protocol else None)
        self.query_one(".changes", Static).update(Content("\n").join(_changes(found)))
        self.scroll_home(animate=False)


def _words(found: Comparison) -> Iterator[Content]:
    yield Content.assemble(
        ("A ", f"{_A} bold"), visible(found.a), "   ", ("B ", f"{_B} bold"), visible(found.b)
    )
    if found.protocol:
        yield Content.assemble(("protocol  ", _MUTED), (found.protocol, "bold"))
    yield Content("")
    yield Content.styled(verdict(found.whole), "bold")
    yield from map(Content, in_words(found))
    yield Content("")


def _rows(found: Comparison) -> Iterator[Row]:
    yield from _pair(found.whole)
    if found.subjects:
        yield Row("")
        yield Row("subjects")
    for one in found.subjects:
        yield from _pair(one)


def _pair(one: Pair) -> Iterator[Row]:
    yield Row(one.name, one.a.share, one.a.error, f"{100 * one.a.share:5.1f}       ", _A)
    told = f"{100 * one.b.share:5.1f} {points(one.difference):>6}"
    yield Row("", one.b.share, one.b.error, told, _B)


def _changes(found: Comparison) -> Iterator[Content]:
    for better, heading in (
        (True, "B is right where A is not"),
        (False, "A is right where B is not"),
    ):
        some = [one for one in found.changes if one.better == better]
        if some:
            yield Content("")
            yield Content.styled(heading, "bold")
            yield Content(_listed(some))


def _listed(changes: list[Change]) -> str:
    return visible(", ".join(one.question for one in changes))
