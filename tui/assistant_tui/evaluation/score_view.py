"""One evaluation: its scores as bars, or how far it is."""

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant_tui.controls import visible
from assistant_tui.evaluation.charts import Chart, Row
from assistant_tui.evaluation.runs import Run
from assistant_tui.evaluation.scores import Order, Sheet
from assistant_tui.opening import place

_KINDS = {
    "mmlu": "MMLU",
    "code": "Programs",
    "completion": "Completion",
    "harness": "Tasks of lm-evaluation-harness",
}
_MUTED = "$foreground 60%"


class ScoreView(VerticalScroll):
    """Shows one run, a protocol at a time."""

    can_focus = True

    def compose(self) -> ComposeResult:
        """A few words, and the chart."""
        yield Static(classes="words")
        yield Chart()

    def show(self, run: Run, sheets: tuple[Sheet, ...], at: int, order: Order) -> None:
        """Show the sheet `at` of a run, or how far it is where it has none yet."""
        chart, words = self.query_one(Chart), self.query_one(Static)
        if not sheets:
            words.update(Content("\n").join(_unfinished(run)))
            told = f"{run.answered:,} of {run.asked:,}" if run.asked else f"{run.answered:,}"
            chart.show([Row("answered", run.share, None, told, "$warning")])
            return
        sheet = sheets[at % len(sheets)].sorted_by(order)
        words.update(Content("\n").join(_words(run, sheets, sheet)))
        chart.show(list(_rows(sheet)), sheet.chance)


def title(run: Run) -> str:
    """What is shown."""
    shots = "" if run.shots is None else f", {run.shots}-shot"
    return visible(f"{_KINDS.get(run.evaluation, run.evaluation)}{shots}: {run.model}")


def _words(run: Run, sheets: tuple[Sheet, ...], sheet: Sheet) -> Iterator[Content]:
    titles = [one.title for one in sheets]
    if len(sheets) > 1:
        parts = [(f"{name}  ", "bold" if name == sheet.title else _MUTED) for name in titles]
        yield Content.assemble(("protocol  ", _MUTED), *parts, ("P: the next", _MUTED))
    elif sheet.chance is not None:
        yield Content.assemble(("protocol  ", _MUTED), (sheet.title, "bold"))
    if sheet.remark:
        yield Content.styled(visible(sheet.remark), "$warning")
    yield Content.styled("per cent right ± one standard error", _MUTED)
    yield _when(run)
    if run.report is not None:
        yield Content.styled(f"O opens {visible(place(run.report))}", _MUTED)


def _unfinished(run: Run) -> Iterator[Content]:
    if run.state == "under way":
        yield Content.styled("It is under way.", "$warning")
        yield Content("It goes on without this screen; X stops it, and keeps what is answered.")
    else:
        yield Content.styled("It was interrupted.", "$error")
        if run.command is not None:
            yield Content("C goes on with it: what is answered is not asked again.")
        else:
            yield Content("The command that began it goes on with it.")
    yield _when(run)
    yield Content.styled(visible(place(run.path)), _MUTED)


def _when(run: Run) -> Content:
    when = f"{run.began.astimezone():%d %b %Y %H:%M}".lstrip("0")
    return Content.styled(f"begun {when}", _MUTED)


def _rows(sheet: Sheet) -> Iterator[Row]:
    for name, scores in sheet.groups:
        if name:
            yield Row("")
            yield Row(name)
        for one in scores:
            told = f"{one.percent}{'  ' + one.told if one.told else ''}"
            yield Row(one.name, one.share, one.error, told)
