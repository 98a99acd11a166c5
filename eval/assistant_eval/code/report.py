"""The page of a run: scores, every question with its programs, and the passport."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assistant_eval.code.answers import Answer
from assistant_eval.code.programs import program_of
from assistant_eval.code.scores import Scores
from assistant_eval.code.tasks import Task, TaskSet
from assistant_eval.continuing import CIRCUMSTANCES
from assistant_eval.page import escape, facts, page, table, told
from assistant_eval.runs import REPORT_FILE, Run

STYLE = """
details.task > summary { cursor: pointer; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
details.task { content-visibility: auto; } details.task > div { margin: 0.3em 0 1.4em 1.3em; }
pre { background: #8881; padding: 0.6em 0.8em; margin: 0.2em 0 0.8em; white-space: pre-wrap;
  font: 13px/1.45 ui-monospace, monospace; } .filter label { margin-right: 1em; }
.mark { display: inline-block; width: 1.3em; }
body:has(#show-failed:checked) details.task:not(.failed),
body:has(#show-passed:checked) details.task:not(.passed) { display: none; }
"""
KINDS: Mapping[str, str] = {
    "passed": "all tests passed",
    "wrong": "a test did not hold",
    "error": "an exception",
    "time": "took too long",
    "ended": "its process ended",
    "lost": "no verdict",
}
_FILTERS = {"all": "all", "failed": "never solved", "passed": "solved"}


def write_report(
    run: Run,
    tasks: TaskSet,
    answers: Sequence[Answer],
    scores: Scores,
    passport: Mapping[str, Any],
) -> None:
    """Write the page into the run's folder."""
    model = passport["model"]
    adapter = f" with {model['adapter']}" if model["adapter"] else ""
    title = f"Programs: {model['name']}{adapter}"
    circumstances = passport[CIRCUMSTANCES]
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="quiet">{escape(circumstances["loaded"])}<br>'
        f"{escape(circumstances['source'])}</p>",
        f"<h2>Scores</h2>{_scores(scores)}",
        f"<h2>Questions</h2>{_filters()}{''.join(_tasks(tasks, answers, passport))}",
        f"<h2>Passport</h2>{facts(passport)}",
    ]
    run.keep(REPORT_FILE, page(title, parts, STYLE))


def _scores(scores: Scores) -> str:
    shares = [(f"pass@{tries}", told(one)) for tries, one in scores.pass_at.items()]
    kinds = [(KINDS[kind], f"{count:,}") for kind, count in scores.kinds.items()]
    return (
        f"{table(('of all questions', 'per cent'), shares)}<br>{table(('programs', ''), kinds)}"
        f"<p class='quiet'>{len(scores.passed):,} questions, programs for each:"
        f" {scores.samples:,}; ± one standard error.</p>"
    )


def _filters() -> str:
    labels = (
        f'<label><input type="radio" name="show" id="show-{name}"'
        f"{' checked' if name == 'all' else ''}> {text}</label>"
        for name, text in _FILTERS.items()
    )
    return f'<p class="filter">{"".join(labels)}</p>'


def _tasks(tasks: TaskSet, answers: Sequence[Answer], passport: Mapping[str, Any]) -> Iterator[str]:
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(answer.task, []).append(answer)
    for task in tasks.tasks:
        own = found[task.name]
        count = sum(answer.passed for answer in own)
        mark = "✓" if count == len(own) else "±" if count else "✗"
        of = f" · {count} of {len(own)}" if len(own) > 1 else ""
        solution = escape(task.canonical_solution.rstrip())
        programs = "".join(_program(task, answer, passport["style"]) for answer in own)
        yield (
            f'<details class="task {"passed" if count else "failed"}"><summary>'
            f'<span class="mark">{mark}</span>{escape(task.name)} {escape(task.entry_point)}{of}'
            f"</summary><div>{programs}<b>The tests</b><pre>{escape(task.test.strip())}</pre>"
            f"<b>The question's own solution</b><pre>{solution}</pre></div>"
            "</details>"
        )


def _program(task: Task, answer: Answer, style: Any) -> str:
    verdict = KINDS[answer.kind] + (f": {answer.told}" if answer.told else "")
    cut = ", cut off at the most tokens" if answer.finish == "length" else ""
    return (
        f"<b>{escape(verdict)}</b> <span class='quiet'>{answer.tokens} tokens{cut}</span>"
        f"<pre>{escape(program_of(task, answer.text, style).rstrip())}</pre>"
    )
