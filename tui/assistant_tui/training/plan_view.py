"""The plan before a run: its memory as a bar, whether that fits, and what was chosen."""

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from assistant_tui.controls import visible
from assistant_tui.plots import Bar, Legend, Part
from assistant_tui.training import shown

_STYLES = {
    "weights": "$primary",
    "adapters": "$accent",
    "gradients": "$warning",
    "optimizer": "$error",
    "activations": "$success",
    "logits": "$foreground",
    "heap": "$secondary",
    "runtime": "$foreground 60%",
}
"""By the names that the command has; neighbours differ."""
_NAMES = {"runtime": "program", "heap": "holes"}


class PlanView(Vertical):
    """Shows what `assistant finetune --plan --json` has told."""

    def compose(self) -> ComposeResult:
        """Whether it fits, the bar, what its colours mean, and what was chosen."""
        yield Static(id="verdict")
        yield Bar()
        yield Legend(shown.size)
        yield Static(id="chosen")

    def show(self, plan: Mapping[str, Any] | None) -> None:
        """Show a plan, or nothing."""
        self.display = plan is not None
        if plan is not None:
            parts = parts_of(plan)
            self.query_one(Bar).show(parts, max(plan["free_bytes"], plan["needed_bytes"]))
            self.query_one(Legend).show(parts)
            self.query_one("#verdict", Static).update(verdict(plan))
            self.query_one("#chosen", Static).update(chosen(plan))


def parts_of(plan: Mapping[str, Any]) -> list[Part]:
    """The memory by what it is for, without what needs none."""
    return [
        Part(_NAMES.get(name, name), size, _STYLES.get(name, "$primary"))
        for name, size in plan["memory"].items()
        if size
    ]


def verdict(plan: Mapping[str, Any]) -> Content:
    """Whether it fits."""
    fits = "fits into" if plan["fits"] else "does not fit into"
    mark = ("✓ ", "$success") if plan["fits"] else ("✗ ", "$error")
    free = visible(f"{shown.size(plan['free_bytes'])} free on {plan['device']}")
    return Content.assemble(mark, f"{shown.size(plan['needed_bytes'])} {fits} {free}")


def chosen(plan: Mapping[str, Any]) -> Content:
    """The name, and what was chosen where nothing was said."""
    settings = ", ".join(
        name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value}"
        for name, value in plan["settings"].items()
        if value not in (None, False)
    )
    return Content.styled(visible(f"{plan['name']}: {settings}"), "$foreground 60%")
