"""Pages of HTML that open anywhere, without a script or the network."""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant_eval.statistics import Score

_COLOURS = ("#4a90d9", "#d9822b", "#5aa469", "#b05cc0", "#c94f5d", "#7a8a99", "#b59b2f")
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 1060px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.4em; margin-bottom: 0; } h2 { font-size: 1.15em; margin-top: 2em; }
h3 { font-size: 1em; margin: 1.2em 0 0.2em; } .quiet { opacity: 0.65; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 2px 14px 2px 0; vertical-align: top; text-align: left; }
th { font-weight: 600; vertical-align: bottom; } .number { text-align: right; }
td.number, .wide td:first-child { white-space: nowrap; } .wide { overflow-x: auto; }
.facts td:last-child { overflow-wrap: anywhere; }
.bars { display: grid; grid-template-columns: 18em 1fr; gap: 4px 12px; align-items: center; }
.bar { display: grid; grid-template-columns: 1fr 3em; gap: 8px; align-items: center;
  font-size: 11px; line-height: 12px; font-variant-numeric: tabular-nums; }
.track { position: relative; height: 9px; background: #8883; }
.track i, .track b, .track u { position: absolute; top: 0; bottom: 0; }
.track b { top: 4px; bottom: 4px; background: currentColor; }
.track u { width: 1px; background: currentColor; opacity: 0.5; }
.key { display: inline-block; width: 0.8em; height: 0.8em; margin: 0 0.4em 0 0; }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of several that stand beside each other."""

    score: Score
    colour: str


def colour(number: int) -> str:
    """The colour of the so-manieth of several things."""
    return _COLOURS[number % len(_COLOURS)]


def page(title: str, parts: Iterable[str], style: str = "") -> str:
    """A whole page."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def escape(text: object) -> str:
    """Text as it stands on the page."""
    return html.escape(str(text))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose first column is words and whose others are numbers."""
    kinds = ["", *[' class="number"'] * (len(head) - 1)]
    top = "".join(f"<th{k}>{escape(cell)}</th>" for k, cell in zip(kinds, head, strict=True))
    lines = (
        "".join(f"<td{k}>{escape(cell)}</td>" for k, cell in zip(kinds, row, strict=True))
        for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def facts(values: Mapping[str, object]) -> str:
    """Values by their names, those inside others by a path such as `model.name`."""
    rows = "".join(
        f'<tr><td class="quiet">{escape(name)}</td><td>{escape(value)}</td></tr>'
        for name, value in _flat(values, "")
    )
    return f'<table class="facts">{rows}</table>'


def bars(rows: Mapping[str, Sequence[Bar]], chance: float) -> str:
    """A line for each name with its bars; a thin line stands where chance would be."""
    lines = []
    for name, own in rows.items():
        count = f'<span class="quiet">({own[0].score.questions})</span>'
        drawn = "".join(_bar(bar, chance) for bar in own)
        lines.append(f"<span>{escape(name)} {count}</span><span>{drawn}</span>")
    return f'<div class="bars">{"".join(lines)}</div>'


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100 * share:.1f}"


def told(score: Score) -> str:
    """A score with its standard error, in per cent.

    Where all were right, or none, what was seen says nothing of the error, and none is shown.
    """
    error = f" ± {100 * score.stderr:.1f}" if score.stderr else ""
    return percent(score.accuracy) + error


def _bar(bar: Bar, chance: float) -> str:
    share, error = bar.score.accuracy, bar.score.stderr or 0.0
    low, high = max(0.0, share - error), min(1.0, share + error)
    return (
        '<div class="bar"><div class="track">'
        f'<i style="left:0;width:{percent(share)}%;background:{bar.colour}"></i>'
        f'<b style="left:{percent(low)}%;width:{percent(high - low)}%"></b>'
        f'<u style="left:{percent(chance)}%"></u></div><span>{percent(share)}</span></div>'
    )


def _flat(values: Mapping[str, object], before: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and any(
            isinstance(one, Mapping | str) for one in value.values()
        ):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, _shown(value)


def _shown(value: object) -> str:
    """A value, a list or numbers by their names, on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
