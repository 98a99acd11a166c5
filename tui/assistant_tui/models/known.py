"""What is known of the models at one moment, and how that changes with what is told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from assistant_tui.models.rows import GPTQ, AdapterRow, Device, Fit, ModelRow, Planned, Pull

if TYPE_CHECKING:
    from assistant.client import ModelCard, Pace

Change: TypeAlias = "Callable[[Known], Known]"


@dataclass(frozen=True, slots=True)
class Known:
    """All of it."""

    rows: tuple[ModelRow, ...] = ()
    devices: tuple[Device, ...] = ()
    plans: Mapping[str, tuple[Planned, ...]] = field(default_factory=dict)
    """By the names of rows; a model that cannot be planned for has none."""
    adapters: tuple[AdapterRow, ...] = ()
    loaded: frozenset[str] = frozenset()
    """What the server holds in memory, by its names."""
    asked: str = ""
    """What notes and new chats ask, by the server's name; empty while there is no server."""
    paces: Mapping[str, "Pace"] = field(default_factory=dict)
    """By the server's names."""
    pulls: Mapping[str, Pull] = field(default_factory=dict)
    """By the names of rows."""
    measuring: str = ""
    """The model whose speed is being measured."""

    def row(self, name: str) -> ModelRow | None:
        """The model of that name."""
        return next((row for row in self.rows if row.name == name), None)

    def adapters_of(self, name: str) -> tuple[AdapterRow, ...]:
        """Those that may belong to a model."""
        return tuple(one for one in self.adapters if one.is_for(name))

    def fit(self, name: str) -> Fit | None:
        """How well a model fits in the form that fits best; None where nobody knows."""
        order: tuple[Fit, ...] = ("fits", "tight", "too large")
        fits = [plan.fit for plan in self.plans.get(name, ())]
        return min(fits, key=order.index, default=None)

    def is_asked(self, row: ModelRow) -> bool:
        """Whether notes and new chats ask this model, with an adapter or without."""
        return self.asked.partition(":")[0] in row.names

    def is_loaded(self, row: ModelRow) -> bool:
        """Whether the server holds it in memory."""
        return not self.loaded.isdisjoint(row.names)

    # What changes it ---------------------------------------------------------------------------

    def fitted(self, told: Mapping[str, Any]) -> "Known":
        """With what `assistant models plan` tells of some models.

        A speed that was measured stays known when only the memory is looked at again.
        """
        names = {row.name for row in self.rows}
        plans: dict[str, tuple[Planned, ...]] = {}
        for plan in map(Planned.of, told["plans"]):
            name = plan.name if plan.name in names else plan.name.removesuffix(GPTQ)
            timed = _timing(self.plans.get(name, ()), plan)
            plans[name] = (*plans.get(name, ()), plan if timed is None else plan.timed_as(timed))
        devices = tuple(Device(**one) for one in told["devices"])
        return replace(self, devices=devices, plans={**self.plans, **plans})

    def served(
        self, cards: "Sequence[ModelCard]", asked: str, paces: "Mapping[str, Pace]"
    ) -> "Known":
        """With what the server says of its models, and which of them is asked."""
        loaded = frozenset(card.name for card in cards if card.loaded)
        return replace(self, loaded=loaded, asked=asked, paces=dict(paces))

    def pulled(self, pull: Pull, *, whole: bool) -> "Known":
        """With a pull as far as it is; one that has brought the `whole` model is forgotten."""
        others = {name: one for name, one in self.pulls.items() if name != pull.name}
        return replace(self, pulls=others if whole else {**others, pull.name: pull})


def _timing(former: Iterable[Planned], plan: Planned) -> Planned | None:
    """The same plan as it was timed before, where the new one has no speed."""
    if plan.tokens_per_second is not None:
        return None
    same = (one for one in former if (one.storage, one.device) == (plan.storage, plan.device))
    return next((one for one in same if one.tokens_per_second is not None), None)
