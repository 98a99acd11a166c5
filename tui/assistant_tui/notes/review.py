"""A proposal and the words that it would replace: taken whole, by sentence or by word.

The pane asks the model by itself and shows the answer as it comes. It changes no note: what was
decided is posted, and the screen makes the edits.
"""

from collections.abc import Collection
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from assistant.errors import AssistantError
from assistant_tui.model import Model
from assistant_tui.notes.asking import Proposal, Step, propose
from assistant_tui.notes.changes import Part, numbers, of_sentence, parts
from assistant_tui.notes.columns import Columns
from assistant_tui.notes.rewording import Rewording
from assistant_tui.notes.wishes import Wish

_REFRESH_SECONDS = 0.1
"""How often a growing answer is drawn at most."""


class Review(VerticalScroll, inherit_bindings=False):
    """Asks, shows, and lets the user decide."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Accept", id="accept"),
        Binding("escape", "refuse", "Refuse", id="refuse"),
        Binding("space", "turn", "Word", id="toggle_word"),
        Binding("s", "turn_sentence", "Sentence", id="toggle_sentence"),
        Binding("a", "all(True)", "All", id="take_all"),
        Binding("n", "all(False)", "None", id="take_none"),
        Binding("e", "reword", "Edit", id="reword"),
        Binding("right,down", "next(1)", "Next", show=False),
        Binding("left,up", "next(-1)", "Previous", show=False),
        Binding("pagedown", "page_down", "Further down", show=False),
        Binding("pageup", "page_up", "Further up", show=False),
        Binding("c", "copy", "Copy", show=False, id="copy_suggestion"),
        Binding("tab", "leave", "To the note", show=False),
    ]

    class Decided(Message):
        """What the user said to a proposal: the changes that are taken, of these parts."""

        def __init__(
            self, proposal: Proposal, decided: tuple[Part, ...], taken: frozenset[int]
        ) -> None:
            super().__init__()
            self.proposal = proposal
            self.decided = decided
            self.taken = taken

    class Left(Message):
        """The user goes back to the note, and the proposal stays."""

    class Closed(Message):
        """There is nothing to decide any more."""

    class _Came(Message):
        def __init__(self, step: Step) -> None:
            super().__init__()
            self.step = step

    class _Proposed(Message):
        def __init__(self, proposal: Proposal) -> None:
            super().__init__()
            self.proposal = proposal

    class _Failed(Message):
        def __init__(self, problem: str) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self) -> None:
        super().__init__(id="review")
        self.proposal: Proposal | None = None
        self._parts: tuple[Part, ...] = ()
        self._taken: set[int] = set()
        self._current = 0
        self._wish: Wish | None = None
        self._step: Step | None = None
        """The newest one that is not drawn."""
        self._stale = False

    def compose(self) -> ComposeResult:
        """The two columns, or a line that says what is going on."""
        yield Static(id="progress", markup=False)
        yield Columns()

    # Asking ----------------------------------------------------------------------------------

    def ask(self, wish: Wish, text: str, selection: tuple[int, int], model: Model) -> None:
        """Ask the model, and show what it answers."""
        self.proposal, self._parts, self._taken = None, (), set()
        self._wish, self._step, self._stale = wish, None, False
        self.display = True
        self.add_class("-asking")
        self.focus()
        self.query_one(Columns).clear()
        self._say(
            f"{wish.work[0].upper()}{wish.work[1:]} …  Escape stops it, Tab goes back to the note."
        )
        self._title(wish.name)
        self._ask(wish, text, selection, model)

    def wait_for(self, line: str) -> None:
        """Say what the model is doing, for who waits for it."""
        if self.display and self.proposal is None and self._wish is not None and line:
            self._say(f"{self._wish.work} …  {line}")

    @work(exclusive=True, group="asking")
    async def _ask(self, wish: Wish, text: str, selection: tuple[int, int], model: Model) -> None:
        def step(one: Step) -> None:
            self.post_message(self._Came(one))

        try:
            client, card = await model.loaded()
            proposal = await propose(wish, text, selection, client, card, step)
        except AssistantError as error:
            self.post_message(self._Failed(str(error)))
            return
        self.post_message(self._Proposed(proposal))

    @on(_Came)
    def _came(self, event: "_Came") -> None:
        if self._step is None:
            self.set_timer(_REFRESH_SECONDS, self._grow)
        self._step = event.step

    def _grow(self) -> None:
        """Draw how far the answer has come."""
        step, self._step = self._step, None
        if step is None or self.proposal is not None or self._wish is None:
            return
        place = f" · {step.number} of {step.total}" if step.total > 1 else ""
        self._title(f"{self._wish.name} …{place}")
        self.query_one("#progress").display = False
        self.query_one(Columns).grow(step.old, step.so_far)

    @on(_Failed)
    def _failed(self, event: "_Failed") -> None:
        self.close()
        self.notify(event.problem, severity="error", timeout=10)

    @on(_Proposed)
    def _proposed(self, event: "_Proposed") -> None:
        proposal = event.proposal
        if not proposal.parts:
            self.close()
            self.notify(f"{proposal.model} would change nothing here.")
            return
        self.proposal = proposal
        self._decide_on(proposal.parts)

    def _decide_on(self, all_parts: tuple[Part, ...]) -> None:
        self.remove_class("-asking")
        self._parts = all_parts
        self._taken = set(numbers(all_parts))
        self._current = min(self._taken, default=0)
        self.query_one("#progress").display = self._stale
        self._draw()

    # Deciding --------------------------------------------------------------------------------

    def keep_for_reading(self) -> None:
        """The note was changed at these very words: the answer can be read and copied only."""
        self._stale = True
        self.display = True
        self._say("You changed these words meanwhile, and they stay. C copies the suggestion.")
        self._draw()
        self.focus()

    def action_next(self, step: int) -> None:
        """Go to the next change."""
        changes = numbers(self._parts)
        if changes:
            place = changes.index(self._current) if self._current in changes else 0
            self._current = changes[(place + step) % len(changes)]
            self._draw()

    def action_turn(self) -> None:
        """Take or refuse this change."""
        self._turn([self._current])

    def action_turn_sentence(self) -> None:
        """Take or refuse all changes of this sentence."""
        if self._parts:
            self._turn(of_sentence(self._parts, self._current))

    def action_all(self, taken: bool) -> None:
        """Take all changes, or none."""
        self._taken = set(numbers(self._parts)) if taken else set()
        self._draw()

    def action_take(self) -> None:
        """Put what is taken into the note."""
        if self.proposal is not None and not self._stale:
            self.post_message(self.Decided(self.proposal, self._parts, frozenset(self._taken)))

    def action_refuse(self) -> None:
        """Leave the note as it is."""
        if self.proposal is not None and not self._stale:
            self.post_message(self.Decided(self.proposal, self._parts, frozenset()))
        else:
            self.close()

    def action_reword(self) -> None:
        """Edit the suggested words of this change's paragraph before they are taken."""
        if self.proposal is None or not self._parts:
            return
        place = self._place()
        words = self._parts[place].resolved(self._taken)
        self.app.push_screen(Rewording(words), lambda new: self._reworded(place, new))

    def action_copy(self) -> None:
        """Copy the suggestion."""
        words = "\n\n".join(part.resolved(self._taken) for part in self._parts)
        self.app.copy_to_clipboard(words)
        self.notify("Copied.")

    def action_leave(self) -> None:
        """Go back to the note."""
        self.post_message(self.Left())

    @on(Columns.Clicked)
    def _clicked(self, event: Columns.Clicked) -> None:
        self._current = event.number
        self.focus()
        self._turn([event.number])

    def close(self) -> None:
        """End what goes on, and go away."""
        self.workers.cancel_group(self, "asking")
        self.proposal, self._parts, self._wish = None, (), None
        self.display = False
        self.post_message(self.Closed())

    def _turn(self, some: Collection[int]) -> None:
        if self._parts and not self._stale:
            taken = set(some) <= self._taken
            self._taken = self._taken - set(some) if taken else self._taken | set(some)
            self._draw()

    def _reworded(self, place: int, new: str | None) -> None:
        """The user's words stand for the model's; every change is numbered anew and taken."""
        if new is None or self.proposal is None:
            return
        words = (
            (part.paragraph, new if number == place else part.resolved(self._taken))
            for number, part in enumerate(self._parts)
        )
        self._decide_on(parts(words))

    def _place(self) -> int:
        """The part that the current change is in."""
        for place, part in enumerate(self._parts):
            if any(piece.number == self._current for piece in part.pieces):
                return place
        return 0

    # What is drawn ---------------------------------------------------------------------------

    def _draw(self) -> None:
        if self._wish is None:
            return
        everything = numbers(self._parts)
        taken = len(self._taken)
        count = f"{len(everything)} change{'s' if len(everything) != 1 else ''}"
        chosen = "all taken" if taken == len(everything) else f"{taken} taken"
        self._title(f"{self._wish.name} · {count} · {chosen}")
        columns = self.query_one(Columns)
        columns.show(self._parts, frozenset(self._taken), self._current)
        if self._parts:
            pair = columns.pair(self._place())
            self.call_after_refresh(self.scroll_to_widget, pair, animate=False)

    def _say(self, line: str) -> None:
        progress = self.query_one("#progress", Static)
        progress.display = True
        progress.update(line)

    def _title(self, title: str) -> None:
        self.border_title = Content(title)
