"""The page of an evaluation: scores, bars by subject, every question, and the passport."""

from collections.abc import Mapping, Sequence
from typing import Any

from assistant_eval.continuing import CIRCUMSTANCES
from assistant_eval.mmlu import viewer
from assistant_eval.mmlu.answers import Answer
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import LETTERS, Exam
from assistant_eval.mmlu.scores import Scores
from assistant_eval.mmlu.subjects import CATEGORIES, OWN, category_of
from assistant_eval.page import Bar, bars, colour, escape, facts, page, table, told
from assistant_eval.runs import REPORT_FILE, Run

_CHANCE = 1 / len(LETTERS)


def write_report(
    run: Run,
    exam: Exam,
    answers: Sequence[Answer],
    scores: Sequence[Scores],
    passport: Mapping[str, Any],
) -> None:
    """Write the page into the run's folder."""
    model, loaded = passport["model"], passport[CIRCUMSTANCES]["loaded"]
    adapter = f" with {model['adapter']}" if model["adapter"] else ""
    title = f"MMLU, {passport['shots']}-shot: {model['name']}{adapter}"
    parts = [
        f'<h1>{escape(title)}</h1><p class="quiet">{escape(loaded)}</p>',
        f"<h2>Scores</h2>{_scores(scores)}",
        f"<h2>Subjects</h2>{_legend(scores)}{_subjects(scores)}",
        f"<h2>Questions</h2>{viewer.questions(exam, answers)}",
        f"<h2>Passport</h2>{facts(passport)}",
    ]
    run.keep(REPORT_FILE, page(title, parts, viewer.STYLE))


def _scores(scores: Sequence[Scores]) -> str:
    categories = [name for name in (*CATEGORIES, OWN) if name in scores[0].categories]
    head = ("protocol", "all questions", "mean of subjects", *categories, "no letter", *LETTERS)
    rows = (
        (
            one.title,
            told(one.micro),
            told(one.macro),
            *(told(one.categories[name]) for name in categories),
            one.unanswered,
            *(one.letters.get(letter, 0) for letter in LETTERS),
        )
        for one in scores
    )
    return (
        f"{table(head, rows)}<p class='quiet'>Per cent right ± one standard error; under the"
        " letters how often each was given. Chance is 25.</p>"
    )


def _legend(scores: Sequence[Scores]) -> str:
    keys = (
        f'<span class="key" style="background:{colour(number)}"></span>{escape(one.title)}'
        f' <span class="quiet">{escape(PROTOCOLS[one.protocol].about)}</span><br>'
        for number, one in enumerate(scores)
    )
    return f"<p>{''.join(keys)}</p>"


def _subjects(scores: Sequence[Scores]) -> str:
    parts = []
    for category in (*CATEGORIES, OWN):
        rows = {
            name.replace("_", " "): [
                Bar(one.subjects[name], colour(number)) for number, one in enumerate(scores)
            ]
            for name in scores[0].subjects
            if category_of(name) == category
        }
        if rows:
            parts.append(f"<h3>{category}</h3>{bars(rows, _CHANCE)}")
    return "".join(parts)
