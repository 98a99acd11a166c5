"""Figures as people read them, and bars of them."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from assistant_tui.models.rows import Device, Fit, Planned, Pull

HELD_AS = {"bf16": "16 bits", "int4": "4 bits", "nf4": "NF4", "gptq": "GPTQ"}
VERDICTS: dict[Fit, tuple[str, str]] = {
    "fits": ("fits", "$success"),
    "tight": ("tight", "$warning"),
    "too large": ("too large", "$error"),
}
"""What to say of it, and its colour."""
_WEIGHTS, _CACHE, _REST, _FREE = "█", "▓", "▒", "·"
"""Different marks, since sixteen colours or none may be all there is."""
_ROOM_FOR_PARTS = 75
"""Columns, below which the bar alone says what is for what."""
_BAR = (_WEIGHTS, "$primary"), (_CACHE, "$accent"), (_REST, "$secondary")


def gigabytes(count: float) -> str:
    """A number of bytes."""
    if count >= 9.95e10:
        return f"{count / 1e9:.0f} GB"
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def parameters(count: int | None) -> str:
    """How many a model has, in three or four signs."""
    if count is None:
        return ""
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"


def speed(tokens_per_second: float) -> str:
    """How fast an answer grows."""
    digits = 0 if tokens_per_second >= 10 else 1
    return f"{tokens_per_second:.{digits}f} tokens/s"


def duration(seconds: float) -> str:
    """How long something takes."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{rest} s"


def memory(plans: Sequence[Planned], devices: Sequence[Device], width: int) -> Content:
    """A model's forms below each other, each with a bar of the memory that it takes.

    All bars have one scale, so that they can be compared. What does not fit is red.
    """
    free = {device.name: device.free_bytes for device in devices}
    scale = max([plan.needed for plan in plans] + [free.get(plan.device, 0) for plan in plans])
    lines = []
    for plan in plans:
        verdict, colour = VERDICTS[plan.fit]
        on = f" on {plan.device}" if len(devices) > 1 else ""
        head = f"{HELD_AS[plan.storage]:<8}{gigabytes(plan.needed):>9}  "
        told = [Content.assemble(head, (f"{verdict}{on}", colour))]
        if width >= _ROOM_FOR_PARTS:
            told.append(Content.assemble((f"  {_parts(plan)}", "$foreground 50%")))
        if plan.tokens_per_second is not None:
            told.append(Content.assemble((f"  {speed(plan.tokens_per_second)}", "$foreground 70%")))
        lines += [Content("").join(told), _bar(plan, free.get(plan.device, 0), scale, width)]
    return Content("\n").join(lines)


def _parts(plan: Planned) -> str:
    weights, cache, rest = (part / 1e9 for part in (plan.weights, plan.cache, plan.rest))
    return f"{weights:.1f} weights + {cache:.1f} cache + {rest:.1f} rest"


def legend(device: Device) -> Content:
    """What the parts of the bars are."""
    free = (f"{_FREE} {gigabytes(device.free_bytes)} free", "$foreground 60%")
    parts = zip(_BAR, ("weights", "cache", "rest"), strict=True)
    return Content.assemble(
        *[part for (mark, colour), name in parts for part in ((mark, colour), f" {name} ")], free
    )


def progress(pull: Pull, width: int) -> Content:
    """How far a pull is: a bar, and in words below it."""
    style = {"pulling": "$success", "stopped": "$warning", "failed": "$error"}[pull.phase]
    full = round(pull.share * width)
    bar = Content.assemble((_WEIGHTS * full, style), (_FREE * (width - full), "$foreground 40%"))
    return Content("\n").join([bar, Content.styled(_standing(pull), style)])


def _standing(pull: Pull) -> str:
    here = f"{gigabytes(pull.done_bytes)} of {gigabytes(pull.total_bytes)}"
    if pull.phase == "failed":
        return f"✗ {pull.problem}\nP tries again"
    if not pull.total_bytes:
        return "stopped: P begins again" if pull.phase == "stopped" else "asking the model hub …"
    if pull.phase == "stopped":
        return f"{here}, stopped: P goes on"
    if pull.resumes_in:
        return f"{here}, the model hub asks to wait {pull.resumes_in:.0f} s"
    if pull.checking:
        return f"{here}, checking"
    if not pull.bytes_per_second:
        return here
    left = (pull.total_bytes - pull.done_bytes) / pull.bytes_per_second
    return f"{here}, {pull.bytes_per_second / 1e6:.1f} MB/s, {duration(left)} left"


def row_line(mark: tuple[str, str], name: str, size: str, verdict: Content, width: int) -> Content:
    """A mark, a name, and at the right end a size and a verdict; the name gives way."""
    room = max(width - cell_len(mark[0]) - len(size) - 1 - verdict.cell_length - 1, 4)
    if cell_len(name) > room:
        while cell_len(name) > room - 1:
            name = name[:-1]
        name += "…"
    gap = " " * max(room - cell_len(name), 0)
    return Content.assemble(mark, name, gap, " ", (size, "$foreground 60%"), " ", verdict)


def _bar(plan: Planned, free: int, scale: int, width: int) -> Content:
    """The parts of a plan side by side, and what stays free behind them."""
    if scale <= 0 or width <= 0:
        return Content("")
    ends = [plan.weights, plan.weights + plan.cache, plan.needed]
    places = [round(end / scale * width) for end in ends]
    limit = round(free / scale * width)
    pieces: list[tuple[str, str]] = []
    begin = 0
    for end, (mark, colour) in zip(places, _BAR, strict=True):
        inside = max(min(end, limit) - begin, 0)
        pieces.append((mark * inside, colour))
        pieces.append((mark * (end - begin - inside), "$error"))
        begin = end
    pieces.append((_FREE * max(limit - begin, 0), "$foreground 40%"))
    return Content.assemble(*pieces)
