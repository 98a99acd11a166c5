"""What a screen does to have models examined: starts it, goes on with it, and stops it."""

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from assistant_tui.controls import visible
from assistant_tui.dialogs import Answer, Choose
from assistant_tui.evaluation.diagnosis import diagnosis_file
from assistant_tui.evaluation.forms import DiagnosisForm, Filled, MmluForm, arguments
from assistant_tui.evaluation.jobs import end
from assistant_tui.evaluation.runs import Run
from assistant_tui.evaluation.watching import WatchingScreen

_DONE = {
    WatchingScreen.EVALUATION: "The evaluation has ended.",
    WatchingScreen.DIAGNOSIS: "The diagnosis is there.",
}


class StartingScreen(WatchingScreen):
    """Starts commands, one of each kind at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", id="new_evaluation"),
        Binding("c", "go_on", "Go on", id="go_on_evaluation"),
        Binding("x", "stop", "Stop", id="stop_evaluation"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.run: Run | None = None
        """The one that is shown."""
        self._filled: dict[str, Filled] = {}
        """What was filled in last, by the command."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with the run that is shown has its key in the footer."""
        state = "" if self.run is None else self.run.state
        wanted = {"go_on": "interrupted", "stop": "under way"}
        return wanted.get(action, state) == state

    def action_new(self) -> None:
        """Ask a model MMLU's questions."""
        self.app.push_screen(MmluForm(self._filled.get("mmlu", {})), self._ask)

    def _ask(self, filled: Filled | None) -> None:
        if filled is not None:
            self._filled["mmlu"] = filled
            self._begin(tuple(arguments("mmlu", filled)))

    def action_go_on(self) -> None:
        """Go on with the run, which was interrupted."""
        if self.run is None:
            return
        if self.run.command is None:
            self.notify("Give the command that began it once more, in a terminal.")
        else:
            self._begin(self.run.command)

    def _begin(self, command: tuple[str, ...]) -> None:
        if any(run.state == "under way" for run in self.runs):
            self.notify("An evaluation is under way: two at once would slow each other down.")
        else:
            self.do(lambda: self.jobs.begin(self.EVALUATION, command))

    def action_stop(self) -> None:
        """Stop the run, which is under way."""
        if self.run is None or self.run.process is None:
            return
        process = self.run.process
        answers = (Answer("on", "Let it go on"), Answer("stop", "Stop it"))
        question = "What is answered is kept, and C goes on from there."
        dialog = Choose(f"Stop {visible(self.run.model)}?", question, answers)

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self.do(lambda: end(process))

        self.app.push_screen(dialog, answered)

    def ask_what_to_diagnose(self) -> None:
        """Ask which model, or which score, looks wrong, and have it looked at."""
        self.app.push_screen(DiagnosisForm(self._filled.get("diagnose", {})), self._diagnose)

    def _diagnose(self, filled: Filled | None) -> None:
        if filled is not None:
            self._filled["diagnose"] = filled
            command = (*arguments("diagnose", filled), "--output", str(diagnosis_file()))
            self.do(lambda: self.jobs.begin(self.DIAGNOSIS, command))

    @on(WatchingScreen.JobEnded)
    def _job_ended(self, event: WatchingScreen.JobEnded) -> None:
        job = event.job
        if job.problem:
            self.notify(job.problem, title=f"The {job.name} failed", severity="error", timeout=15)
        else:
            self.notify(_DONE[job.name])
        self.look()
