"""Every question on a page, with what the model answered and how likely it held each option."""

from collections.abc import Iterator, Mapping, Sequence

from assistant_eval.mmlu.answers import Answer
from assistant_eval.mmlu.protocols import ACC, ACC_NORM, PROTOCOLS
from assistant_eval.mmlu.questions import LETTERS, Exam, Question
from assistant_eval.page import escape

STYLE = """
details.subject > summary { font-weight: 600; margin: 0.4em 0; cursor: pointer; }
details.question { margin-left: 1.2em; content-visibility: auto; }
details.question > summary { cursor: pointer; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
details.question > div { margin: 0.3em 0 1.2em 1.2em; } .text { white-space: pre-wrap; }
tr.right td:nth-child(2) { text-decoration: underline; } td.chosen { font-weight: 700; }
.mark { display: inline-block; width: 1.3em; } .filter label { margin-right: 1em; }
body:has(#show-wrong:checked) details.question:not(.wrong),
body:has(#show-right:checked) details.question:not(.all-right),
body:has(#show-split:checked) details.question:not(.split) { display: none; }
"""
_FILTERS = {
    "all": "all",
    "wrong": "wrong under some protocol",
    "right": "right under all",
    "split": "right under some only",
}
_LEGEND = (
    "The right option is underlined. ◂ is what the model chose, ◃ what it chose with likelihoods"
    " divided by lengths; numbers are log-likelihoods in nats."
)
_BEGINNING = 120
"""Letters of a question that are shown before it is opened."""


def questions(exam: Exam, answers: Sequence[Answer]) -> str:
    """All questions by subject, closed until they are looked at."""
    found: dict[tuple[str, int], list[Answer]] = {}
    order = list(PROTOCOLS)
    for answer in sorted(answers, key=lambda one: order.index(one.protocol)):
        found.setdefault((answer.subject, answer.number), []).append(answer)
    parts = [_filters()]
    for subject in exam.subjects:
        inner = "".join(
            _question(question, found[subject.name, question.number])
            for question in subject.questions
        )
        name = f"{subject.name.replace('_', ' ')} ({len(subject.questions)})"
        parts.append(f'<details class="subject"><summary>{escape(name)}</summary>{inner}</details>')
    return "".join(parts)


def _filters() -> str:
    labels = (
        f'<label><input type="radio" name="show" id="show-{name}"'
        f"{' checked' if name == 'all' else ''}> {told}</label>"
        for name, told in _FILTERS.items()
    )
    return f'<p class="filter">{"".join(labels)}</p><p class="quiet">{_LEGEND}</p>'


def _question(question: Question, answers: Sequence[Answer]) -> str:
    verdicts = [letter == one.right for one in answers for letter in one.predicted.values()]
    kinds = ["question", "all-right" if all(verdicts) else "wrong"]
    if any(verdicts) and not all(verdicts):
        kinds.append("split")
    mark = "✓" if all(verdicts) else "✗" if not any(verdicts) else "±"
    beginning = " ".join(question.text.split())[:_BEGINNING]
    return (
        f'<details class="{" ".join(kinds)}"><summary><span class="mark">{mark}</span>'
        f"{question.number + 1}. {escape(beginning)}</summary>"
        f'<div><p class="text">{escape(question.text)}</p>{_options(question, answers)}'
        f"{''.join(_remarks(answers))}</div></details>"
    )


def _options(question: Question, answers: Sequence[Answer]) -> str:
    head = "".join(f'<th class="number">{escape(one.protocol)}</th>' for one in answers)
    rows = []
    for place, (letter, option) in enumerate(zip(LETTERS, question.options, strict=True)):
        cells = "".join(_cell(one, place, letter) for one in answers)
        kind = ' class="right"' if place == question.answer else ""
        rows.append(f"<tr{kind}><td>{letter}</td><td>{escape(option)}</td>{cells}</tr>")
    return f"<table><tr><th></th><th></th>{head}</tr>{''.join(rows)}</table>"


def _cell(answer: Answer, place: int, letter: str) -> str:
    chosen = answer.predicted[ACC] == letter
    told = "chosen" if chosen else ""
    if answer.likelihoods is not None:
        value = answer.likelihoods[place]
        told = "no number" if value is None else f"{value:.3f}"
    marks = "".join(_MARKS[measure] for measure, one in answer.predicted.items() if one == letter)
    kind = "number chosen" if chosen else "number"
    return f'<td class="{kind}">{told}{marks}</td>'


_MARKS: Mapping[str, str] = {ACC: " ◂", ACC_NORM: " ◃"}


def _remarks(answers: Sequence[Answer]) -> Iterator[str]:
    """What was written and what was cut off, a line for each protocol that has something to say."""
    for one in answers:
        said = []
        if one.text is not None:
            said.append(f"wrote {one.text!r}")
        if one.lost:
            said.append(f"{one.lost} tokens of the prompt were cut off")
        if said:
            yield f'<p class="quiet">{escape(one.protocol)}: {escape("; ".join(said))}</p>'
