"""Why a score looks wrong, as text: the verdict, its evidence, and every check."""

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant_tui.controls import visible
from assistant_tui.evaluation.diagnosis import Check, Diagnosis

_MUTED = "$foreground 60%"
_NOTHING = "No model has been looked at yet. D asks which one."


class DiagnosisView(VerticalScroll):
    """Shows one diagnosis."""

    can_focus = True

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(_NOTHING, id="diagnosis", markup=False)

    def wait(self, what: str) -> None:
        """Say that a model is being looked at."""
        self.query_one(Static).update(
            Content.assemble(
                (visible(f"{what} …"), "$warning"),
                "\n\nIt takes minutes, and goes on without this screen. What is found is kept,"
                " and shown here.",
            )
        )

    def show(self, found: Diagnosis) -> None:
        """Show it, from its begin."""
        self.query_one(Static).update(Content("\n").join(_lines(found)))
        self.scroll_home(animate=False)


def _lines(found: Diagnosis) -> Iterator[Content]:
    when = found.time.astimezone()
    about = f"{found.model}, {when:%d %b %Y %H:%M}".replace(", 0", ", ")
    yield Content.styled(visible(about), _MUTED)
    yield Content("")
    colour = "$success" if found.cause is None else "$error"
    yield Content.styled(visible(found.verdict), f"{colour} bold")
    if found.remedy is not None:
        yield Content.assemble(("what to do  ", _MUTED), visible(found.remedy))
    if found.also:
        yield Content.assemble(("also found  ", _MUTED), visible(", ".join(found.also)))
    yield from _evidence(found)
    yield from _group("Nothing wrong", "✓", "$success", list(found.in_state("passed")))
    yield from _group("Not looked at", "·", _MUTED, list(found.in_state("not run")))


def _evidence(found: Diagnosis) -> Iterator[Content]:
    checks = [check for check in found.checks if check.findings]
    if not checks:
        return
    yield Content("")
    yield Content.styled("Evidence", "bold")
    for check in checks:
        for one in check.findings:
            yield Content.assemble(
                ("! ", "$error"), (visible(one.cause), "bold"), (f"  {check.name}", _MUTED)
            )
            yield Content.assemble(("  predicted  ", _MUTED), visible(one.predicted))
            yield Content.assemble(("  seen       ", _MUTED), visible(one.seen))


def _group(title: str, mark: str, style: str, checks: list[Check]) -> Iterator[Content]:
    """A line for each check; what is said of several is said with the first of them."""
    if not checks:
        return
    yield Content("")
    yield Content.styled(title, "bold")
    said: dict[str, str] = {}
    for check in checks:
        first = said.setdefault(check.seen, check.name)
        seen = check.seen if first == check.name or len(check.seen) < 60 else f"as with {first}"
        yield Content.assemble((f"{mark} ", style), (check.name, "bold"), f"  {visible(seen)}")
