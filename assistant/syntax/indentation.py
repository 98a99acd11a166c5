"""The unit a file is indented by, and a model's lines moved to it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

_AROUND = 8_000
"""Characters before the cursor that tell the unit of the file."""
_SIZES = (2, 3, 4, 8)
_USUAL = 4
"""Spaces that stand for a tab where nothing tells how many do."""
_OPENERS = (":", "{", "(", "[", "then", "do", "else")
"""What a line ends with whose next one is deeper by a unit; others may be laid out by hand."""


def unit_of(before: str, after: str) -> str | None:
    """What a file is indented by: a tab or some spaces. None where it doesn't say."""
    # The cursor's line may be empty but for its indent.
    around = f"{before[-_AROUND:]}|{after}"
    lines = [line for line in around.split("\n") if line.strip()]
    indents = [_indent(line) for line in lines]
    tabs = sum(indent.startswith("\t") for indent in indents)
    if tabs > sum(indent.startswith(" ") for indent in indents):
        return "\t"
    steps = Counter(step for step in _steps(lines) if step in _SIZES)
    return " " * steps.most_common(1)[0][0] if steps else None


def in_unit(output: str, line: str, unit: str | None) -> str:
    """`output` behind the beginning `line`, with its lines indented as the file is.

    Lines end in `\\n`. Only what its lines add to the indent of the cursor's line is in the
    output's own unit, as the model has seen the rest.
    """
    if unit is None or "\n" not in output:
        return output
    base = _indent(line)
    first, *lines = output.split("\n")
    own = _own_unit([line + first, *lines], base, unit)
    if own is None or own == unit:
        return output
    return "\n".join([first, *(_moved(one, base, own, unit) for one in lines)])


def _own_unit(lines: Sequence[str], base: str, unit: str) -> str | None:
    """What an output is indented by, where that shows."""
    indents = [_indent(line) for line in lines[1:] if line.strip()]
    added = [indent.removeprefix(base) for indent in indents]
    if unit != "\t" and any("\t" in indent for indent in added):
        return "\t"
    steps = [step for step in _steps(lines) if step in _SIZES]
    if unit == "\t":
        spaces = [indent for indent in added if indent.startswith(" ")]
        sizes = [len(indent) for indent in spaces if base + indent in indents] + steps
        return " " * next((size for size in sizes if size in _SIZES), _USUAL) if spaces else None
    return " " * steps[0] if steps else None


def _steps(lines: Sequence[str]) -> Iterator[int]:
    """By how many spaces lines are deeper than the one before, which opens a block."""
    full = [line for line in lines if line.strip()]
    for upper, lower in pairwise(full):
        step = len(_indent(lower)) - len(_indent(upper).replace("\t", " " * _USUAL))
        if step > 0 and "\t" not in _indent(lower) and upper.rstrip().endswith(_OPENERS):
            yield step


def _moved(line: str, base: str, own: str, unit: str) -> str:
    content = line.lstrip(" \t")
    indent = line[: len(line) - len(content)]
    added = indent.removeprefix(base)
    if not content or added.strip(own[0]):
        return line
    if base and added == indent:  # the whole of it is in the other unit, or it stands further left
        base = ""
        if own[0] not in indent or (own[0] == unit[0]):
            return line
    levels, rest = divmod(len(added), len(own))
    return base + unit * levels + " " * rest + content


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
