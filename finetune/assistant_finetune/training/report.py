"""A run's report: one page of HTML that opens anywhere, without a script or the network."""

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from assistant.paths import write_atomically
from assistant_finetune.training.metrics import Measured

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _MARGIN = 760, 300, 56, 36, 12
_TICKS = 5
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 800px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; } td { padding: 2px 16px 2px 0; vertical-align: top; }
td:first-child { opacity: 0.65; } h1 { font-size: 1.4em; } h2 { font-size: 1.1em; margin-top: 2em; }
svg { width: 100%; height: auto; } text { font: 12px system-ui, sans-serif; fill: currentColor; }
.axis { stroke: currentColor; opacity: 0.25; } .train { stroke: #4a90d9; fill: none; }
.held { stroke: #d9822b; fill: none; stroke-width: 2; } .dot { fill: #d9822b; }
"""


def write_report(
    file: Path,
    title: str,
    measured: Sequence[Measured],
    tables: Mapping[str, Mapping[str, object]],
) -> None:
    """Write the page: the losses as a plot, then each table under its heading."""
    parts = [f"<h1>{html.escape(title)}</h1>", plot(measured)]
    for heading, rows in tables.items():
        cells = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(_shown(value))}</td></tr>"
            for name, value in rows.items()
        )
        parts.append(f"<h2>{html.escape(heading)}</h2><table>{cells}</table>")
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )
    write_atomically(file, page, mode=0o600)


def plot(measured: Sequence[Measured]) -> str:
    """The losses over the steps, as SVG."""
    train = [(one.step, one.loss) for one in measured if one.loss is not None]
    held = [(one.step, one.held_out_loss) for one in measured if one.held_out_loss is not None]
    values = [loss for _, loss in (*train, *held)]
    if not values:
        return "<p>Nothing was measured yet.</p>"
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    last = max(step for step, _ in (*train, *held))

    def place(step: float, loss: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _MARGIN) * step / max(last, 1)
        y = _MARGIN + (_HEIGHT - _BOTTOM - _MARGIN) * (high - loss) / span
        return round(x, 1), round(y, 1)

    drawn = [_axes(low, span, last, place(0, low)[1], lambda loss: place(0, loss)[1])]
    for points, kind in ((train, "train"), (held, "held")):
        line = " ".join(f"{x},{y}" for x, y in (place(*point) for point in points))
        drawn.append(f'<polyline class="{kind}" points="{line}"/>')
    for x, y in (place(*point) for point in held):
        drawn.append(f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>')
    drawn.append(f'<text x="{_WIDTH - 200}" y="20" style="fill:#4a90d9">training loss</text>')
    if held:
        drawn.append(f'<text x="{_WIDTH - 200}" y="38" style="fill:#d9822b">held-out loss</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(drawn)}</svg>'


def _axes(
    low: float, span: float, last: int, floor: float, height: Callable[[float], float]
) -> str:
    lines = []
    for tick in range(_TICKS):
        loss = low + span * tick / (_TICKS - 1)
        y = height(loss)
        lines.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _MARGIN}" y1="{y}" y2="{y}"/>')
        lines.append(f'<text x="4" y="{y + 4}">{loss:.3f}</text>')
    lines.append(f'<text x="{_LEFT}" y="{floor + 22}">0</text>')
    lines.append(
        f'<text x="{_WIDTH - _MARGIN}" y="{floor + 22}" text-anchor="end">{last} steps</text>'
    )
    return "".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "" if value is None else str(value)
