"""A text area for who types fast."""

from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

_KEYS = {"cursor_line_start": "home", "select_all": "ctrl+a", "select_line": "alt+l"}
"""Textual's F6 and F7 lead to rooms here."""


class OrderedTextArea(TextArea, inherit_bindings=False):
    """Its own keys act in their turn, behind the letters that were typed before them.

    Textual would send a key through every widget above first, and who types fast would see a
    letter arrive before the backspace that was pressed before it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(one, key=_KEYS.get(one.action, one.key))
        for one in TextArea.BINDINGS
        if isinstance(one, Binding)
    ]

    async def _run_own(self, key: str) -> bool:
        """Do what a key of this area's means at once; returns whether it is one."""
        for holder, bindings in self.screen._binding_chain:
            if holder is self:
                for binding in bindings.key_to_bindings.get(key, ()):
                    if await self.app.run_action(binding.action, self):
                        return True
        return False

    async def _on_paste(self, event: events.Paste) -> None:
        event.text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        await super()._on_paste(event)
