"""Two ways to a note: by some letters of its name, and by words of its text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from assistant_tui.controls import visible
from assistant_tui.notes.fuzzy import rank
from assistant_tui.notes.search import SearchIndex


@dataclass(frozen=True, slots=True)
class Place:
    """A note, and the row to go to."""

    note: str
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the list."""

    place: Place
    shown: Content


Find = Callable[[str], Sequence[Offer]]


class Finder(ModalScreen[Place | None]):
    """A line to type in, and what was found for it; looking happens in a thread."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave"),
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Previous", show=False),
        Binding("pagedown", "move(10)", "Further down", show=False),
        Binding("pageup", "move(-10)", "Further up", show=False),
    ]

    class Found(Message):
        """What was found for a query."""

        def __init__(self, query: str, offers: Sequence[Offer]) -> None:
            super().__init__()
            self.query = query
            self.offers = offers

    def __init__(self, title: str, placeholder: str, find: Find) -> None:
        super().__init__(classes="finder")
        self._title = title
        self._placeholder = placeholder
        self._find = find
        self._offers: Sequence[Offer] = ()

    def compose(self) -> ComposeResult:
        """The line, and the list."""
        with Vertical(classes="box wide") as box:
            box.border_title = self._title
            yield Input(placeholder=self._placeholder)
            yield OptionList()
            yield Static(classes="hint", markup=False)

    def on_mount(self) -> None:
        """Begin with what there is without a query."""
        self.query_one(OptionList).can_focus = False
        self._look("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._look(event.value)

    @work(thread=True, exclusive=True, group="finding")
    def _look(self, query: str) -> None:
        worker = get_current_worker()
        offers = self._find(query)
        if not worker.is_cancelled:
            self.post_message(self.Found(query, offers))

    @on(Found)
    def _found(self, event: Found) -> None:
        if event.query != self.query_one(Input).value:
            return
        self._offers = event.offers
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(offer.shown) for offer in event.offers)
        options.highlighted = 0 if event.offers else None
        hint = self.query_one(Static)
        hint.display = not event.offers
        hint.update("Nothing found." if event.query.strip() else "Type to look for notes.")

    def action_move(self, step: int) -> None:
        """Go up or down in the list."""
        options = self.query_one(OptionList)
        if options.option_count:
            place = (options.highlighted or 0) + step
            options.highlighted = max(0, min(place, options.option_count - 1))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None and highlighted < len(self._offers):
            self.dismiss(self._offers[highlighted].place)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._offers[event.option_index].place)


def by_name(notes: Sequence[str]) -> Finder:
    """Find a note by letters of its name."""

    def find(query: str) -> list[Offer]:
        return [Offer(Place(note), _lit(note, letters)) for note, letters in rank(query, notes)]

    return Finder("Open a note", "Some letters of its name", find)


def by_text(index: SearchIndex, notes: Sequence[str]) -> Finder:
    """Find notes by words of their text."""
    fresh = False

    def find(query: str) -> list[Offer]:
        nonlocal fresh
        if not fresh:
            index.refresh(notes)
            fresh = True
        return [
            Offer(
                Place(hit.note, hit.line),
                Content.assemble(
                    (hit.note, "$accent"),
                    (f":{hit.line + 1}  ", "$foreground 60%"),
                    visible(hit.excerpt),
                ),
            )
            for hit in index.find(query)
        ]

    return Finder("Search in all notes", 'Words, or "words in quotation marks"', find)


def _lit(note: str, letters: Sequence[int]) -> Content:
    """A path with the letters that were found."""
    content = Content(note.removesuffix(".md"))
    for letter in letters:
        content = content.stylize("$accent bold", letter, letter + 1)
    return content
