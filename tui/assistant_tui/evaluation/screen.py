"""The evaluations' screen: a list at the side, and one of them, two, or a diagnosis beside it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher, Footer, OptionList

from assistant.errors import AssistantError
from assistant_tui.command_line import answer_of
from assistant_tui.controls import visible
from assistant_tui.evaluation.comparison import Comparison, read_comparison
from assistant_tui.evaluation.comparison_view import ComparisonView
from assistant_tui.evaluation.diagnosis import Diagnosis
from assistant_tui.evaluation.diagnosis_view import DiagnosisView
from assistant_tui.evaluation.run_list import RunList
from assistant_tui.evaluation.runs import Run
from assistant_tui.evaluation.score_view import ScoreView, title
from assistant_tui.evaluation.scores import Order, Sheet, read_sheets
from assistant_tui.evaluation.starting import StartingScreen
from assistant_tui.opening import open_file
from assistant_tui.status import StatusBar


class EvaluationScreen(StartingScreen):
    """All evaluations of this machine."""

    CSS_PATH = "evaluation.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "protocol", "Protocol", id="protocol"),
        Binding("s", "sort", "Sort", id="sort_scores"),
        Binding("o", "report", "Report", id="report"),
        Binding("d", "diagnosis", "Diagnosis", id="diagnosis"),
        Binding("f4", "app.go('notes')", "Notes", id="notes"),
        Binding("escape", "back", "Back", show=False),
    ]
    OFFERED = (
        ("New evaluation", "Ask MMLU's questions", "new"),
        ("Go on", "With this evaluation", "go_on"),
        ("Stop", "This evaluation", "stop"),
        ("Protocol", "Show the next one", "protocol"),
        ("Sort", "By score, or by name", "sort"),
        ("Report", "Open its page", "report"),
        ("Diagnosis", "Why a score looks wrong", "diagnosis"),
    )

    class Read(Message):
        """The scores of a run."""

        def __init__(self, run: Run, sheets: tuple[Sheet, ...]) -> None:
            super().__init__()
            self.run = run
            self.sheets = sheets

    class Compared(Message):
        """Two runs beside each other; None where they cannot be compared."""

        def __init__(self, found: Comparison | None) -> None:
            super().__init__()
            self.found = found

    def __init__(self) -> None:
        super().__init__()
        self._sheets: dict[str, tuple[Sheet, ...]] = {}
        """By the names of runs that are whole."""
        self._protocol = 0
        self._order: Order = "score"
        self._marked: Run | None = None
        self._pair: tuple[Run, Run] | None = None
        self._comparison: Comparison | None = None
        self._diagnosis: Diagnosis | None = None

    def compose(self) -> ComposeResult:
        """All of it."""
        with Horizontal(id="main"):
            yield RunList()
            with ContentSwitcher(id="shown", classes="framed", initial="scores"):
                yield ScoreView(classes="scrolled", id="scores")
                yield ComparisonView(classes="scrolled", id="comparison")
                yield DiagnosisView(classes="scrolled", id="diagnosis")
        yield StatusBar()
        yield Footer()

    def on_mount(self) -> None:
        """Begin in the list."""
        self._to_list()

    # One of them -------------------------------------------------------------------------------

    @on(StartingScreen.Listed)
    def _listed(self, event: StartingScreen.Listed) -> None:
        self._take(event.runs)

    @on(StartingScreen.Counted)
    def _counted(self, event: StartingScreen.Counted) -> None:
        known = event.answered
        self._take([replace(one, answered=known.get(one.name, one.answered)) for one in self.runs])

    def _take(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        by_name = {run.name: run for run in runs}
        self._marked = by_name.get(self._marked.name) if self._marked else None
        self.query_one(RunList).show(runs, self._marked)
        now = self.query_one(RunList).run
        if now is not None:
            self._show(now)
        self._say()

    @on(RunList.Shown)
    def _at_another(self, event: RunList.Shown) -> None:
        if self.run is None or event.run.name != self.run.name:
            self._turn_to("scores")
            self._show(event.run)

    @on(RunList.Chosen)
    def _read_on(self) -> None:
        """To what is shown; where there is little room it is all that is."""
        self.add_class("-reading")
        self.query_one(f"#{self._view}").focus()

    def _show(self, run: Run) -> None:
        """Show a run, its scores as soon as they are read."""
        self.run = run
        self.refresh_bindings()
        if not run.is_whole:
            self._sheets.pop(run.name, None)
        elif run.name not in self._sheets:
            self._read(run)
            return
        self._draw(run)

    @work(thread=True, exclusive=True, group="reading")
    def _read(self, run: Run) -> None:
        try:
            self.post_message(self.Read(run, read_sheets(run.path, run.evaluation)))
        except (OSError, ValueError, LookupError, TypeError) as error:
            self.post_message(self.Trouble(f"{run.path}: its scores cannot be read: {error}"))

    @on(Read)
    def _was_read(self, event: Read) -> None:
        self._sheets[event.run.name] = event.sheets
        if self.run is not None and self.run.name == event.run.name:
            self._draw(self.run)

    def _draw(self, run: Run) -> None:
        sheets = self._sheets.get(run.name, ())
        self.query_one(ScoreView).show(run, sheets, self._protocol, self._order)
        self._say()

    # Two of them -------------------------------------------------------------------------------

    @on(RunList.Marked)
    def _was_marked(self, event: RunList.Marked) -> None:
        run, marked = event.run, self._marked
        if not run.is_whole:
            self.notify("Only evaluations that are whole can be compared.")
        elif marked is None or marked.name == run.name:
            self._marked = run if marked is None else None
            self.query_one(RunList).show(self.runs, self._marked)
            self._say()
        else:
            self._begin_comparing(marked, run)

    def _begin_comparing(self, a: Run, b: Run, protocol: str | None = None) -> None:
        self._pair = a, b
        self.run = b  # which the cursor may have come to a moment ago
        self.query_one(ComparisonView).wait(a.model, b.model)
        self._turn_to("comparison")
        self._read_on()
        self._compare(a, b, protocol)

    @work(exclusive=True, group="comparing")
    async def _compare(self, a: Run, b: Run, protocol: str | None) -> None:
        options = [] if protocol is None else ["--protocol", protocol]
        try:
            found = await answer_of("eval", "compare", str(a.path), str(b.path), *options)
        except AssistantError as error:
            self.post_message(self.Trouble(str(error)))
            self.post_message(self.Compared(None))
        else:
            self.post_message(self.Compared(read_comparison(found)))

    @on(Compared)
    def _was_compared(self, event: Compared) -> None:
        self._comparison = event.found
        if event.found is not None:
            self.query_one(ComparisonView).show(event.found)
        elif self._view == "comparison":
            self._turn_to("scores")
            self._to_list()

    # Why it is so ------------------------------------------------------------------------------

    @on(StartingScreen.Diagnosed)
    def _was_diagnosed(self, event: StartingScreen.Diagnosed) -> None:
        self._diagnosis = event.found
        self.query_one(DiagnosisView).show(event.found)

    def action_diagnosis(self) -> None:
        """Show the last diagnosis; where it is shown, have another model looked at."""
        if self._view == "diagnosis" or self._diagnosis is None:
            self.ask_what_to_diagnose()
        self._turn_to("diagnosis")
        self._read_on()

    # Keys --------------------------------------------------------------------------------------

    def action_protocol(self) -> None:
        """Show the scores, or the comparison, under the next protocol."""
        if self._view == "comparison" and self._pair is not None and self._comparison is not None:
            a, b = self._pair
            both = [name for name in a.protocols if name in b.protocols]
            if len(both) > 1 and self._comparison.protocol in both:
                place = both.index(self._comparison.protocol) + 1
                self._begin_comparing(a, b, both[place % len(both)])
        elif self.run is not None:
            self._protocol += 1
            self._show(self.run)

    def action_sort(self) -> None:
        """Order the subjects by their scores, or by their names."""
        self._order = "name" if self._order == "score" else "score"
        if self.run is not None:
            self._show(self.run)

    def action_report(self) -> None:
        """Open the page of the run outside of this terminal."""
        report = None if self.run is None else self.run.report
        if report is None:
            self.notify("This evaluation has no page.")
        elif self.app.is_web:
            self.app.deliver_binary(report, open_method="browser", mime_type="text/html")
        else:
            self.do(lambda: open_file(report))

    async def action_back(self) -> None:
        """To the scores, to the list, or to the notes."""
        at_list = self.query_one(RunList).has_focus_within or not self.runs
        if self._view == "scores" and at_list:
            await self.app.run_action("go('notes')")
        self._turn_to("scores")
        self._to_list()

    # Around it ---------------------------------------------------------------------------------

    @property
    def _view(self) -> str:
        return self.query_one("#shown", ContentSwitcher).current or "scores"

    def _turn_to(self, view: str) -> None:
        self.query_one("#shown", ContentSwitcher).current = view
        self._say()

    def _to_list(self) -> None:
        self.remove_class("-reading")
        self.query_one(RunList).query_one(OptionList).focus()
        self._say()

    @on(StartingScreen.Trouble)
    def _troubled(self, event: StartingScreen.Trouble) -> None:
        self.notify(event.problem, severity="error", timeout=10)

    def _say(self) -> None:
        """Say what is shown, and what goes on."""
        shown = self.query_one("#shown")
        titles = {"scores": title(self.run) if self.run else "", "comparison": "A and B"}
        shown.border_title = Content(titles.get(self._view, "Why a score looks wrong"))
        hints = {"scores": f"by {self._order}", "diagnosis": "D: another model"}
        shown.border_subtitle = hints.get(self._view, "")
        parts = [("● an evaluation begins   ", "$warning")] if self.is_starting else []
        if self.DIAGNOSIS in self.jobs.names:
            parts.append(("● a model is looked at   ", "$warning"))
        if self._marked is not None:
            parts.append((f"A is {visible(self._marked.model)}: Space at B compares", "$accent"))
        self.query_one(StatusBar).show_note(Content.assemble(*parts))
