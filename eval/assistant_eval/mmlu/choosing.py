"""Which of the questions are asked."""

import difflib
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

from assistant.errors import UsageError
from assistant_eval.mmlu.questions import Exam, Subject
from assistant_eval.mmlu.subjects import CATEGORIES


def choose(exam: Exam, names: Sequence[str], limit: int | None, seed: int) -> Exam:
    """The questions of these subjects or categories, all where none is named; at most `limit`.

    Raises UsageError that names every subject that is not there.
    """
    wanted = _subjects(exam, names)
    subjects = tuple(subject for subject in exam.subjects if subject.name in wanted)
    if limit is None:
        return Exam(exam.source, subjects)
    taken = defaultdict[str, set[int]](set)
    for subject, number in stratified({one.name: len(one.questions) for one in subjects}, seed)[
        :limit
    ]:
        taken[subject].add(number)
    sampled = (_only(subject, taken[subject.name]) for subject in subjects)
    return Exam(exam.source, tuple(subject for subject in sampled if subject.questions))


def stratified(sizes: Mapping[str, int], seed: int) -> list[tuple[str, int]]:
    """All places in the subjects, in an order of which every beginning is a fair sample.

    Within a subject the order is random. Of so many first questions each subject has its share,
    rounded as Sainte-Laguë's method rounds it, by which no share shrinks when more are taken.
    """
    ranked = []
    for subject, size in sizes.items():
        numbers = list(range(size))
        random.Random(f"{seed} {subject}").shuffle(numbers)
        ranked += [((rank + 0.5) / size, subject, number) for rank, number in enumerate(numbers)]
    return [(subject, number) for _, subject, number in sorted(ranked)]


def _only(subject: Subject, places: set[int]) -> Subject:
    chosen = (question for place, question in enumerate(subject.questions) if place in places)
    return Subject(subject.name, subject.shots, tuple(chosen))


def _subjects(exam: Exam, names: Sequence[str]) -> set[str]:
    known = [subject.name for subject in exam.subjects]
    if not names:
        return set(known)
    wanted, unknown = set[str](), []
    for name in names:
        members = [one for one in CATEGORIES.get(name, (name,)) if one in known]
        wanted.update(members)
        if not members:
            similar = difflib.get_close_matches(name, [*known, *CATEGORIES], n=1)
            unknown.append(f"{name} (did you mean {similar[0]}?)" if similar else name)
    if unknown:
        raise UsageError(
            f"no such subject in {exam.source}: {', '.join(unknown)}. Name its subjects, such as"
            f" {known[0]}, or the categories {', '.join(CATEGORIES)}"
        )
    return wanted
