"""Scores of MMLU for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant_eval.mmlu.scores import Scores
    from assistant_eval.statistics import Score

_NAME, _COUNT = 38, 7


def table(scores: Sequence["Scores"]) -> str:
    """A line for each subject, each category and the whole, a column for each protocol."""
    from assistant_eval.mmlu.subjects import CATEGORIES, OWN, category_of

    titles = [one.title for one in scores]
    lines = [_line("per cent right ± one standard error", titles, titles)]

    def add(name: str, found: Sequence["Score"]) -> None:
        lines.append(_line(f"{name:{_NAME}}{found[0].questions:{_COUNT},}", _told(found), titles))

    for category in (*CATEGORIES, OWN):
        for subject in scores[0].subjects:
            if category_of(subject) == category:
                words = subject.replace("_", " ")
                add(f"  {words}", [one.subjects[subject] for one in scores])
        if category in scores[0].categories:
            add(category, [one.categories[category] for one in scores])
    lines.append("")
    add("all questions alike (micro)", [one.micro for one in scores])
    add("all subjects alike (macro)", [one.macro for one in scores])
    if any(one.unanswered for one in scores):
        lines.append(
            _line("answered by no letter", [str(one.unanswered) for one in scores], titles)
        )
    return "\n".join(lines)


def _told(scores: Sequence["Score"]) -> list[str]:
    from assistant_eval.page import told

    return [told(one) for one in scores]


def _line(name: str, cells: Sequence[str], titles: Sequence[str]) -> str:
    """Cells in columns as wide as their titles ask for."""
    widths = [max(len(title), 12) + 3 for title in titles]
    shown = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{name:<{_NAME + _COUNT}}{shown}"
