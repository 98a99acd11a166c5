"""One run: how far it is, and what it measures, as plots."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from assistant_tui.controls import visible
from assistant_tui.opening import place
from assistant_tui.plots import Bar, Line, LinePlot, Part, Point, Range
from assistant_tui.training import shown
from assistant_tui.training.following import Seen
from assistant_tui.training.run_list import as_measured
from assistant_tui.training.runs import Measured, Run

_TRAINED, _HELD_OUT = "$primary", "$accent"


class RunView(Vertical):
    """Shows the run that is chosen."""

    def compose(self) -> ComposeResult:
        """Words, a bar, plots, and where everything is."""
        yield Static(id="state")
        with Horizontal(id="how-far"):
            yield Bar()
            yield Static(id="steps")
        yield LinePlot("loss", shown.loss, from_zero=False, key="loss")
        with Horizontal(id="measured"):
            yield LinePlot("rate", shown.rate, key="rate")
            yield LinePlot("tokens/s", shown.count, key="speed")
            yield LinePlot("memory", shown.size, key="memory")
        yield Static(id="about")

    def show(self, run: Run, seen: Seen, *, stopping: bool) -> None:
        """Show how a run stands, which the user may be stopping."""
        run, measured = as_measured(run, seen.measured), seen.measured.get(run.name, ())
        self.border_title = Content(visible(run.name))
        reason = seen.reasons.get(run.name, "")
        self.query_one("#state", Static).update(_state(run, reason, stopping=stopping))
        style = {"done": "$success", "interrupted": "$error"}.get(run.state, _TRAINED)
        self.query_one(Bar).show((Part("steps", run.step, style),), run.steps or 1)
        self.query_one("#steps", Static).update(_steps(run, measured))
        self.query_one("#about", Static).update(_about(run))
        self._plot(measured)

    def _plot(self, measured: Sequence[Measured]) -> None:
        trained = [(one.step, one.loss) for one in measured if one.loss is not None]
        held = [(one.step, one.held_out_loss) for one in measured if one.held_out_loss is not None]
        rates = [(o.step, o.learning_rate) for o in measured if o.learning_rate is not None]
        speeds = [
            (one.step, one.learned_per_second)
            for one in measured
            if one.loss is not None and one.learned_per_second is not None
        ]
        memory = [(one.step, one.memory_bytes) for one in measured if one.memory_bytes is not None]
        across = Range(0, max((one.steps for one in measured), default=1))
        loss = self.query_one("#loss", LinePlot)
        loss.show((Line(trained, _TRAINED), Line(held, _HELD_OUT)), across, _losses(trained, held))
        for name, points, number in (
            ("#rate", rates, shown.rate),
            ("#speed", speeds, shown.count),
            ("#memory", memory, shown.size),
        ):
            last = Content.styled(number(points[-1][1]) if points else "", "$foreground")
            self.query_one(name, LinePlot).show((Line(points, _TRAINED),), across, last)


def _steps(run: Run, measured: Sequence[Measured]) -> str:
    if run.steps is None:
        return " reading data"
    told, left = f" {run.step}/{run.steps}", measured[-1].seconds_left if measured else None
    if run.state == "under way" and left is not None:
        return f"{told}  {shown.duration(left)} left"
    return f"{told}  {shown.duration(measured[-1].seconds)}" if measured else told


def _losses(trained: Sequence[Point], held: Sequence[Point]) -> Content:
    parts = []
    if trained:
        parts.append(Content.assemble(("━ ", _TRAINED), shown.loss(trained[-1][1])))
    if held:
        parts.append(Content.assemble(("━ ", _HELD_OUT), f"held out {shown.loss(held[-1][1])}"))
    return Content("  ").join(parts)


def _state(run: Run, reason: str, *, stopping: bool) -> Content:
    if run.state == "under way":
        doing = "training" if run.step else "loading the base and reading data"
        if run.steps is not None and run.step >= run.steps:
            doing = "keeping what was learned"
        return Content.styled(f"● {'stopping' if stopping else doing} …", "$warning")
    if run.state == "interrupted":
        place = f"at step {run.step}" if run.step else "before its first step"
        why = Content(visible(f"\n{reason}") if reason else "")
        return Content.styled(f"‖ interrupted {place}: R goes on", "$error") + why
    key = ": U makes it the one that is used" if run.result == "adapter" else ""
    return Content.styled(f"✓ trained {shown.when(run.changed)}{key}", "$success")


def _about(run: Run) -> Content:
    lines = [f"{run.base}, on {', '.join(run.data)}"]
    lines.append(place(run.report if run.state == "done" else run.folder))
    return Content.styled(visible("\n".join(lines)), "$foreground 60%")
