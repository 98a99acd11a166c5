"""What Enter means in a list: the next item begins, or, in an empty item, the list ends."""

import re
from dataclasses import dataclass

_ITEM = re.compile(r"(?P<indent>[ \t>]*)(?P<mark>[-*+]|(?P<number>\d{1,9})(?P<end>[.)]))(?P<gap> +)"
                   r"(?P<task>\[[ xX]\] +)?")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entered:
    """What Enter puts behind the cursor's line end, and whether it takes the line's mark away."""

    mark: str
    ends_list: bool = False


def entered(line: str, column: int) -> Entered | None:
    """What Enter means at a column of a line; None for what it always means."""
    found = _ITEM.match(line)
    if found is None or column < found.end():
        return None
    if not line[found.end() :].strip():
        return Entered("", ends_list=True)
    number = found["number"]
    mark = found["mark"] if number is None else f"{int(number) + 1}{found['end']}"
    task = "[ ] " if found["task"] else ""
    return Entered(f"{found['indent']}{mark}{found['gap']}{task}")
