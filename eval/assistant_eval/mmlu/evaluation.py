"""MMLU from the questions to a folder with answers, scores and a report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.engine.quiet import quiet
from assistant.errors import AssistantError, UsageError
from assistant_eval.continuing import check_same, command_of, folder_of, under_way
from assistant_eval.encoding import Encoder
from assistant_eval.listening import Listener
from assistant_eval.mmlu.answers import Answer, ask
from assistant_eval.mmlu.choosing import choose
from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.hub import HUB_NAME, read_hub
from assistant_eval.mmlu.passport import passport
from assistant_eval.mmlu.prompts import Batch, Prompts, prepare
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import MOST_SHOTS, Exam
from assistant_eval.mmlu.report import write_report
from assistant_eval.mmlu.scores import Scores, score
from assistant_eval.model import Examined
from assistant_eval.runs import REPORT_FILE, SCORES_FILE, Run

if TYPE_CHECKING:
    from assistant.engine.load import LoadedModel


@dataclass(frozen=True, slots=True)
class Choices:
    """What is asked, and how."""

    data: str = HUB_NAME
    """A folder in the authors' layout, or a data set on the hub in the form of `cais/mmlu`."""
    protocols: tuple[str, ...] = ("harness",)
    shots: int = MOST_SHOTS
    subjects: tuple[str, ...] = ()
    """Subjects and categories; none for all."""
    limit: int | None = None
    seed: int = 0
    output: Path | None = None
    """The run's folder; None for one among the evaluations, known by its passport."""

    def __post_init__(self) -> None:
        problems = [
            f"no protocol is called {name}: there are {', '.join(PROTOCOLS)}"
            for name in self.protocols
            if name not in PROTOCOLS
        ]
        if not 0 <= self.shots <= MOST_SHOTS:
            problems.append(f"shots must be from 0 to {MOST_SHOTS}, not {self.shots}")
        if self.limit is not None and self.limit < 1:
            problems.append(f"limit must be a number of questions, not {self.limit}")
        if problems:
            raise UsageError("; ".join(problems))

    @property
    def folder(self) -> Path | None:
        """The folder of the questions; None where they are on the hub."""
        folder = Path(self.data).expanduser()
        named = self.data.startswith((".", "~", "/")) or self.data.count("/") != 1
        return folder if named or folder.is_dir() else None

    def command(self, examined: Examined) -> list[str]:
        """What asks the same again."""
        options = {
            "data": self.folder or self.data,
            "protocol": self.protocols,
            "shots": self.shots,
            "subjects": self.subjects,
            "limit": self.limit,
            "seed": self.seed,
        }
        return command_of("mmlu", examined, options)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    run: Path
    passport: dict[str, Any]
    scores: tuple[Scores, ...]

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.run / REPORT_FILE


def evaluate(examined: Examined, choices: Choices, listener: Listener | None = None) -> Outcome:
    """Ask a model, or go on with asking it where that was interrupted.

    A run with the same passport is the same run: what is answered is not asked again. Raises
    UsageError for data that cannot be used and for a folder that holds another run, and
    ModelFolderError and AssistantError as loading does.
    """
    listener = listener or Listener()
    exam = read_exam(choices)
    with quiet():
        return _evaluate(examined, exam, choices, listener)


def _evaluate(examined: Examined, exam: Exam, choices: Choices, listener: Listener) -> Outcome:
    listener.say("writing prompts")
    prompts = _prompts(examined, exam, choices, listener)
    listener.say("taking fingerprints of the weights")
    known = passport(examined, exam, choices.shots, prompts)
    run = Run(choices.output or folder_of("mmlu", examined, known))
    with run.locked():
        check_same(run, known)
        whole = _answer(run, examined, exam, prompts, known, choices, listener)
        return _conclude(run, exam, whole)


def read_exam(choices: Choices) -> Exam:
    """The questions that are chosen. Raises UsageError where there are none."""
    folder, shots = choices.folder, choices.shots
    read = read_hub(choices.data, shots) if folder is None else read_folder(folder, shots)
    return choose(read, choices.subjects, choices.limit, choices.seed)


def _prompts(examined: Examined, exam: Exam, choices: Choices, listener: Listener) -> Prompts:
    chosen = [protocol for protocol in PROTOCOLS.values() if protocol.name in choices.protocols]
    return prepare(
        exam,
        chosen,
        choices.shots,
        Encoder(examined.tokenizer),
        examined.context,
        lambda subject: listener.say(f"writing prompts: {subject}"),
    )


def _answer(
    run: Run,
    examined: Examined,
    exam: Exam,
    prompts: Prompts,
    known: dict[str, Any],
    choices: Choices,
    listener: Listener,
) -> dict[str, Any]:
    """Have everything answered that is not yet; returns the whole passport."""
    sizes = [len(list(batch.asks)) for batch in prompts.batches]
    done = run.pieces(sizes)
    before = run.passport()
    if before is not None and done == len(sizes):
        listener.answered(len(prompts), len(prompts))
        return before
    if done:
        listener.remark(f"{sum(sizes[:done]):,} of {len(prompts):,} were answered before")
    listener.say(f"loading {examined.local.name}")
    loaded = examined.load()
    command = choices.command(examined)
    whole = under_way(run, known, exam.source, loaded.description.line(), command)
    _ask(run, loaded, prompts.batches[done:], sum(sizes[:done]), len(prompts), listener)
    return whole


def _ask(
    run: Run,
    loaded: "LoadedModel",
    batches: Sequence[Batch],
    done: int,
    count: int,
    listener: Listener,
) -> None:
    import torch

    from assistant_eval.reading import Reader

    reader = Reader(loaded)
    listener.say("asking")
    listener.answered(done, count)
    try:
        with run.writing() as pieces:
            for answers in ask(reader, batches):
                pieces.write([asdict(answer) for answer in answers])
                done += len(answers)
                listener.answered(done, count)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise AssistantError(
            f"{loaded.name} has no room for its keys and values beside its weights: choose another"
            " --quantization or fewer --shots; what is answered is kept"
        ) from error


def _conclude(run: Run, exam: Exam, whole: dict[str, Any]) -> Outcome:
    found = [Answer.from_fields(fields) for fields in run.answers()]
    scores = score(found)
    run.keep_value(SCORES_FILE, [asdict(one) for one in scores])
    write_report(run, exam, found, scores, whole)
    return Outcome(run.path, whole, tuple(scores))
