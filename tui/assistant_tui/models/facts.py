"""What there is to say of one model, in lines."""

from textual.content import Content

from assistant.registry import STARTER
from assistant_tui.controls import visible
from assistant_tui.models.known import Known
from assistant_tui.models.pictures import duration, gigabytes, parameters, speed
from assistant_tui.models.rows import AdapterRow, ModelRow

_KINDS = {
    "chat": "chat",
    "base": "completes text",
    "code": "completes code",
    "adapter": "chat, on another model",
    "folder": "a folder of your own",
}
_FILLS_IN = {True: "yes", False: "no", None: "as its vocabulary says"}
_VARIANTS = {"full": "full weights", "gptq": "GPTQ"}


def facts(row: ModelRow) -> Content:
    """What it is, and what of it is on this machine."""
    kind = "comes with this program" if row.name == STARTER else _KINDS[row.kind]
    size = parameters(row.parameters)
    formats = [one for one in (row.chat_format, row.fim_format) if one not in (None, "none")]
    told = {
        "kind": f"{kind}, {size}" if size else kind,
        "reads": f"{row.context:,} tokens" if row.context else "",
        "formats": ", ".join(dict.fromkeys(formats)),
        "fills in": _FILLS_IN[row.fills_in],
        "licence": row.licence or "",
        "here": _here(row),
    }
    return Content("\n").join(_labelled(name, value) for name, value in told.items() if value)


def download(row: ModelRow, variant: str) -> str:
    """A variant that can be pulled, with its size."""
    begun = ", begun" if variant in row.interrupted else ""
    return f"{_VARIANTS[variant]}, about {gigabytes(row.download_bytes[variant])}{begun}"


def verdict(known: Known, row: ModelRow) -> Content:
    """Whether it fits, in words."""
    fit = known.fit(row.name)
    said = {
        "fits": ("Fits into the memory that is free.", "$success"),
        "tight": ("Fits once other programs give back theirs.", "$warning"),
        "too large": ("Too large for this machine.", "$error"),
        None: ("", ""),
    }[fit]
    return Content.styled(*said)


def pace(known: Known, row: ModelRow) -> Content:
    """How fast it answers here, and how that is known."""
    lines, plans = [], known.plans.get(row.name, ())
    for name, found in known.paces.items():
        if name.partition(":")[0] in row.names:
            told = f"{speed(found.tokens_per_second)} in its last answer ({found.tokens} tokens)"
            lines.append(f"{told} as {name}" if ":" in name else told)
    timed = [plan for plan in plans if plan.first_token_seconds is not None]
    if known.measuring == row.name:
        lines.append("measuring …")
    elif timed:
        first = min(plan.first_token_seconds or 0.0 for plan in timed)
        begins = f"{first:.1f} s" if first < 60 else duration(first)
        lines.append(
            "as above, timed here at its own widths;"
            f" the first token behind a prompt of 1,000 comes after {begins}"
        )
    elif not lines and plans:
        lines.append("not known: M measures it")
    return Content("\n").join(_labelled("speed", line) for line in lines)


def adapter_line(one: AdapterRow, known: Known) -> Content:
    """An adapter, with a mark where it is asked."""
    asked = known.asked.partition(":")[2] == one.name
    mark = ("▌ " if asked else "  ", "$primary")
    told = [f"{one.nbytes / 1e6:.1f} MB"]
    if one.examples is not None:
        told.append(f"{one.examples:,} examples")
    told += ["in the settings"] if one.in_settings else []
    told += ["former one kept"] if one.has_former else []
    name = (visible(one.name), "bold" if asked else "")
    return Content.assemble(mark, name, "\n    ", (", ".join(told), "$foreground 60%"))


def _labelled(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<9}", "$foreground 50%"), visible(value))


def _here(row: ModelRow) -> str:
    if row.here:
        return ", ".join(_VARIANTS[one] for one in row.here)
    return f"no; to be pulled as {' or '.join(download(row, one) for one in row.missing)}"
