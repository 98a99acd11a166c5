"""Figures of a training run in few letters."""

from datetime import datetime

_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def size(nbytes: float) -> str:
    """Bytes, as people say them."""
    for unit, name in _UNITS:
        if nbytes >= unit:
            count = nbytes / unit
            return f"{count:.1f} {name}" if count < 100 else f"{count:.0f} {name}"
    return f"{nbytes:.0f} B"


def loss(value: float) -> str:
    """A loss, in nats a token."""
    return f"{value:.3f}" if value < 100 else f"{value:.0f}"


def rate(value: float) -> str:
    """A learning rate."""
    return f"{value:.2g}"


def count(value: float) -> str:
    """Tokens, or tokens a second."""
    return f"{value / 1000:.1f}k" if value >= 10_000 else f"{value:.0f}"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def when(moment: datetime) -> str:
    """The time of today, or the day."""
    local, now = moment.astimezone(), datetime.now().astimezone()
    if local.date() == now.date():
        return f"{local:%H:%M}"
    return f"{local:{'%d %b' if local.year == now.year else '%d %b %Y'}}".lstrip("0")
