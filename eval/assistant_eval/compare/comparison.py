"""A comparison from two runs, or from a run and a model, to what is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant.engine.quiet import quiet
from assistant.errors import UsageError
from assistant_eval.compare.paired import Comparison, Gate, compare, gate
from assistant_eval.compare.pairs import Finished, Pair, letters, named, pairs
from assistant_eval.compare.sequential import Known, ask_until_clear
from assistant_eval.encoding import Encoder
from assistant_eval.listening import Listener
from assistant_eval.mmlu.answers import Answer, ask
from assistant_eval.mmlu.evaluation import Choices, read_exam
from assistant_eval.mmlu.prompts import prepare
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import Exam
from assistant_eval.model import Examined

if TYPE_CHECKING:
    from assistant.engine.load import LoadedModel


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    a: str
    b: str
    protocol: str | None
    whole: Comparison
    subjects: dict[str, Comparison]
    """As far as they were asked."""
    changed: tuple[Pair, ...]
    """The questions at which the two differ."""
    gate: Gate | None
    known: Known | None
    """Where it ended as soon as it was clear."""


def compare_runs(
    a: Finished, b: Finished, protocol: str | None = None, margin: float | None = None
) -> Outcome:
    """Compare two runs on the same questions. Raises UsageError when they are not."""
    name, found = pairs(a, b, protocol)
    first, second = [pair.a for pair in found], [pair.b for pair in found]
    passed = None if margin is None else gate(first, second, margin)
    return _outcome(a.name, b.name, name, found, passed, None)


def compare_until_clear(
    a: Finished,
    examined: Examined,
    choices: Choices,
    protocol: str | None = None,
    margin: float | None = None,
    listener: Listener | None = None,
) -> Outcome:
    """Ask a model what a run of MMLU was asked, until it is clear how the two compare.

    What the model answers is kept nowhere. Raises UsageError when the questions are not those of
    the run, and as loading does.
    """
    listener = listener or Listener()
    name = _protocol(a, protocol)
    exam = read_exam(choices)
    if a.passport["data"]["sha256"] != exam.sha256() or a.passport["shots"] != choices.shots:
        raise UsageError(
            f"{a.path} was asked other questions: give the --data, --shots, --subjects, --limit and"
            " --seed of that run"
        )
    first = letters(a, name)
    with quiet():
        listener.say(f"loading {examined.local.name}")
        asker = _Asker(examined, examined.load(), name, choices.shots, len(first), listener)
        known, right = ask_until_clear(exam, first, asker.ask, margin, choices.seed)
    found = [Pair(*key, first[key], value) for key, value in right.items()]
    passed = None if margin is None else Gate(margin, known.at_least)
    local = examined.local
    adapter = None if local.adapter is None else local.adapter.name
    second = named(local.name, adapter, examined.quantization)
    return _outcome(a.name, second, name, found, passed, known)


class _Asker:
    """Asks one model parts of an exam."""

    def __init__(
        self,
        examined: Examined,
        loaded: "LoadedModel",
        protocol: str,
        shots: int,
        count: int,
        listener: Listener,
    ) -> None:
        # Torch comes with it, which two runs that are whole are compared without.
        from assistant_eval.reading import Reader

        self._encoder = Encoder(examined.tokenizer)
        self._context, self._shots = examined.context, shots
        self._reader = Reader(loaded)
        self._protocol = PROTOCOLS[protocol]
        self._listener, self._done, self._count = listener, 0, count
        listener.say("asking")
        listener.answered(0, count)

    def ask(self, part: Exam) -> list[Answer]:
        """The answers to a part."""
        prompts = prepare(
            part, [self._protocol], self._shots, self._encoder, self._context, lambda _: None
        )
        found = list[Answer]()
        for answers in ask(self._reader, prompts.batches):
            found += answers
            self._done += len(answers)
            self._listener.answered(self._done, self._count)
        return found


def _protocol(run: Finished, wanted: str | None) -> str:
    if run.kind != "mmlu":
        raise UsageError(f"{run.path} is a run of {run.kind}: only MMLU is asked until it is clear")
    had = [name for name in PROTOCOLS if name in run.passport["protocols"]]
    if wanted is not None and wanted not in had:
        raise UsageError(f"{run.path} has no protocol {wanted}: it has {', '.join(had)}")
    return wanted or had[0]


def _outcome(
    a: str,
    b: str,
    protocol: str | None,
    found: Sequence[Pair],
    passed: Gate | None,
    known: Known | None,
) -> Outcome:
    by_subject: dict[str, list[Pair]] = {}
    for pair in found:
        by_subject.setdefault(pair.subject, []).append(pair)
    subjects = {name: _compared(own) for name, own in sorted(by_subject.items()) if name}
    changed = tuple(pair for pair in found if pair.difference)
    whole = _compared(found)
    if known is not None:
        whole = replace(whole, low=known.low, high=known.high, p_value=None)
    return Outcome(a, b, protocol, whole, subjects, changed, passed, known)


def _compared(found: Sequence[Pair]) -> Comparison:
    return compare([pair.a for pair in found], [pair.b for pair in found])
