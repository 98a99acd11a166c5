"""Answers that a run has already, so that nothing is asked twice."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from assistant.errors import UsageError
from assistant_eval.runs import Run

Asked = Sequence[Any]
"""What is asked in one pass: of what JSON can hold."""


class KeptAnswers:
    """The answers of a run, in a file for each time that the library asks.

    It asks in the same order each time, and what it asks is noted with the answers.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._number = 0

    def of(
        self,
        passes: Sequence[Asked],
        answer: Callable[[int], Sequence[Any]],
        told: Callable[[int], object],
    ) -> list[Any]:
        """The answers to all passes, in order; `answer` gives those of a pass that are not there.

        `told` hears how many answers there are. Raises UsageError where something else was asked
        before.
        """
        self._number += 1
        file = f"answers-{self._number}.jsonl"
        done = self._run.pieces([len(asked) for asked in passes], file)
        lines = self._run.answers(file)
        names = [name for asked in passes[:done] for name in _names(asked)]
        if [line["asked"] for line in lines] != names:
            raise UsageError(
                f"{self._run.path} was begun with other data for these tasks: choose a new folder"
            )
        found = [line["answer"] for line in lines]
        told(len(found))
        with self._run.writing(file) as pieces:
            for number in range(done, len(passes)):
                answers = answer(number)
                pieces.write(
                    [
                        {"asked": name, "answer": one}
                        for name, one in zip(_names(passes[number]), answers, strict=True)
                    ]
                )
                found += answers
                told(len(found))
        return found


def _names(asked: Asked) -> list[str]:
    """A short name for each thing that is asked, which nothing else has."""
    texts = (json.dumps(one, ensure_ascii=False) for one in asked)
    return [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
