"""HumanEval from the questions to a folder with programs, verdicts, scores and a report."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from assistant.engine.quiet import quiet
from assistant.errors import UsageError
from assistant.messages import SamplingParams
from assistant_eval.code.answers import Answer
from assistant_eval.code.asking import Ask, pieces, prompts, stops, style_of, write
from assistant_eval.code.hub import HUB_NAME, read_hub
from assistant_eval.code.passport import passport
from assistant_eval.code.programs import Style, program_of
from assistant_eval.code.report import write_report
from assistant_eval.code.sandbox import Limits, Sandbox, Verdict
from assistant_eval.code.scores import Scores, score
from assistant_eval.code.tasks import Task, TaskSet, read_file
from assistant_eval.continuing import check_same, command_of, folder_of, under_way
from assistant_eval.listening import Listener
from assistant_eval.model import Examined
from assistant_eval.runs import REPORT_FILE, SCORES_FILE, Run

if TYPE_CHECKING:
    from assistant.engine.engine import Engine

_MOST_TOLD = 3
_MEGA = 1 << 20


@dataclass(frozen=True, slots=True)
class Choices:
    """What is asked, and how."""

    data: str = HUB_NAME
    """A file in the form of HumanEval's, or a data set on the hub in that of
    `openai/openai_humaneval`."""
    samples: int = 1
    """Programs for each question."""
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int = 0
    style: Style | None = None
    """None for what the model is made for."""
    limit: int | None = None
    """The first so many questions."""
    limits: Limits = field(default_factory=Limits)
    output: Path | None = None
    """The run's folder; None for one among the evaluations, known by its passport."""

    def __post_init__(self) -> None:
        problems = []
        if self.samples < 1:
            problems.append(f"samples must be a number of programs, not {self.samples}")
        if self.samples > 1 and not self.temperature:
            problems.append(
                "several samples at temperature 0 are all the same: give a --temperature, such as"
                " 0.2 for pass@1 or 0.8 for more"
            )
        if self.limit is not None and self.limit < 1:
            problems.append(f"limit must be a number of questions, not {self.limit}")
        if problems:
            raise UsageError("; ".join(problems))

    @property
    def file(self) -> Path | None:
        """The file of the questions; None where they are on the hub."""
        file = Path(self.data).expanduser()
        named = self.data.startswith((".", "~", "/")) or self.data.count("/") != 1
        return file if named or file.exists() else None

    def command(self, examined: Examined) -> list[str]:
        """What asks the same again."""
        options = {
            "data": self.file or self.data,
            "samples": self.samples,
            "temperature": self.temperature,
            "top-p": self.top_p,
            "max-tokens": self.max_tokens,
            "seed": self.seed,
            "style": self.style,
            "limit": self.limit,
            "seconds": self.limits.seconds,
            "memory": self.limits.memory_bytes // _MEGA,
        }
        return command_of("code", examined, options)

    def params(self, style: Style) -> SamplingParams:
        """How programs are written. Raises UsageError."""
        return SamplingParams(
            self.max_tokens, self.temperature, self.top_p, stops(style), self.seed
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    run: Path
    passport: dict[str, Any]
    scores: Scores

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.run / REPORT_FILE


def evaluate(examined: Examined, choices: Choices, listener: Listener | None = None) -> Outcome:
    """Have a model write programs, or go on with that where it was interrupted.

    Raises AssistantError where there is no sandbox, UsageError for data that cannot be used and for
    a folder that holds another run, and ModelFolderError and AssistantError as loading does.
    """
    listener = listener or Listener()
    sandbox = Sandbox(choices.limits)
    tasks = read_tasks(choices)
    with quiet():
        return _evaluate(examined, tasks, choices, sandbox, listener)


def read_tasks(choices: Choices) -> TaskSet:
    """The questions that are chosen. Raises UsageError."""
    file = choices.file
    return (read_hub(choices.data) if file is None else read_file(file)).first(choices.limit)


def _evaluate(
    examined: Examined, tasks: TaskSet, choices: Choices, sandbox: Sandbox, listener: Listener
) -> Outcome:
    from assistant.engine.renderers import load_renderer

    listener.say("writing prompts")
    renderer = load_renderer(examined.local)
    style = choices.style or style_of(renderer)
    if style == "chat" and not renderer.can_chat:
        raise UsageError(f"{examined.local.name} cannot chat: leave --style out")
    params = choices.params(style)
    asked = prompts(renderer, examined.context, tasks.tasks, style, params.max_tokens)
    listener.say("taking fingerprints of the weights")
    known = passport(
        examined,
        tasks,
        asked,
        style=style,
        samples=choices.samples,
        params=params,
        limits=choices.limits,
    )
    run = Run(choices.output or folder_of("code", examined, known))
    with run.locked():
        check_same(run, known)
        work = _Work(run, sandbox, style, params, listener, choices.command(examined))
        whole = work.answer(examined, tasks, pieces(tasks.tasks, asked, choices.samples), known)
        answers = [Answer.from_fields(fields) for fields in run.answers()]
        scores = score(answers)
        run.keep_value(SCORES_FILE, asdict(scores))
        write_report(run, tasks, answers, scores, whole)
        return Outcome(run.path, whole, scores)


@dataclass(frozen=True, slots=True)
class _Work:
    """Everything that stays the same from piece to piece."""

    run: Run
    sandbox: Sandbox
    style: Style
    params: SamplingParams
    listener: Listener
    command: Sequence[str]
    """What goes on with it."""

    def answer(
        self,
        examined: Examined,
        tasks: TaskSet,
        wanted: Sequence[Sequence[Ask]],
        known: dict[str, Any],
    ) -> dict[str, Any]:
        """Have everything answered that is not yet; returns the whole passport."""
        from assistant.engine.engine import Engine

        sizes = [len(piece) for piece in wanted]
        done = self.run.pieces(sizes)
        before = self.run.passport()
        if before is not None and done == len(sizes):
            self.listener.answered(sum(sizes), sum(sizes))
            return before
        if done:
            self.listener.remark(f"{sum(sizes[:done]):,} of {sum(sizes):,} were written before")
        with ThreadPoolExecutor(_judges(), "judge") as judges:
            self._check_solutions(judges, tasks.tasks)
            self.listener.say(f"loading {examined.local.name}")
            loaded = examined.load()
            whole = under_way(
                self.run, known, tasks.source, loaded.description.line(), self.command
            )
            engine = Engine(loaded)
            try:
                self._write(engine, judges, wanted[done:], sum(sizes[:done]), sum(sizes))
            finally:
                engine.close()
        return whole

    def _check_solutions(self, judges: ThreadPoolExecutor, tasks: Sequence[Task]) -> None:
        """Say which questions cannot be solved here, as not even their own solutions pass."""
        self.listener.say("running the questions' own solutions")
        verdicts = judges.map(lambda task: self.sandbox.run(task, task.solution), tasks)
        failing = [
            f"{task.name} ({verdict.kind}: {verdict.told})" if verdict.told else task.name
            for task, verdict in zip(tasks, verdicts, strict=True)
            if not verdict.passed
        ]
        if failing:
            more = f" and {len(failing) - _MOST_TOLD} more" * (len(failing) > _MOST_TOLD)
            self.listener.remark(
                f"{len(failing)} of {len(tasks)} questions cannot be solved here, as their own"
                f" solutions do not pass: {', '.join(failing[:_MOST_TOLD])}{more}"
            )

    def _write(
        self,
        engine: "Engine",
        judges: ThreadPoolExecutor,
        wanted: Sequence[Sequence[Ask]],
        done: int,
        count: int,
    ) -> None:
        self.listener.say("writing programs")
        self.listener.answered(done, count)
        with self.run.writing() as kept:
            for piece in wanted:
                written = write(engine, piece, self.params)
                texts = [one.text for one in written]
                verdicts = judges.map(self._judge, [ask.task for ask in piece], texts)
                answers = [
                    Answer(ask.task.name, ask.number, **asdict(one), **asdict(verdict))
                    for ask, one, verdict in zip(piece, written, verdicts, strict=True)
                ]
                kept.write([asdict(answer) for answer in answers])
                done += len(answers)
                self.listener.answered(done, count)

    def _judge(self, task: Task, text: str) -> Verdict:
        return self.sandbox.run(task, program_of(task, text, self.style))


def _judges() -> int:
    """Sandboxes at once: programs may be given half of the cores, and want memory each."""
    return max(1, min(8, (psutil.cpu_count() or 2) // 2))
