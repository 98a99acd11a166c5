"""What to do with the words, and with which of them."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from assistant_tui.notes.wishes import Wish


class WishMenu(ModalScreen[tuple[Wish, bool] | None]):
    """Gives a wish, and whether it is about the whole note."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave"),
        Binding("tab", "turn", "The whole note, or not"),
    ]

    def __init__(self, offered: Sequence[Wish], *, selected: bool) -> None:
        """`selected` says whether words are selected."""
        super().__init__(classes="dialog")
        self._offered = offered
        self._selected = selected
        self._whole = False

    def compose(self) -> ComposeResult:
        """A list, and below it what it is about."""
        with Vertical(classes="box") as box:
            box.border_title = "Have it written"
            yield OptionList(
                *(
                    Option(
                        Content.assemble((f"{one.name}  ", "bold"), (one.about, "$foreground 60%"))
                    )
                    for one in self._offered
                )
            )
            yield Static(self._about(), classes="hint")

    def action_turn(self) -> None:
        """Change between the whole note and a part of it."""
        self._whole = not self._whole
        self.query_one(Static).update(self._about())

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss((self._offered[event.option_index], self._whole))

    def _about(self) -> Content:
        part = "the selected words" if self._selected else "this paragraph"
        words = ("the whole note", part) if self._whole else (part, "the whole note")
        return Content.assemble(
            "For ", (words[0], "bold"), (f"  ·  Tab: {words[1]} instead", "$foreground 60%")
        )


def _line(wish: Wish) -> Content:
    return Content.assemble((f"{wish.name}  ", "bold"), (wish.about, "$foreground 60%"))
