"""Exams made up for tests."""

import csv
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.questions import LETTERS, Question, Subject

_PROSE = """
Which bone of the arm is the longest, when light bends near a star and None of these holds?
“Quoted” naïve café 世界, 3.5% of cells or 12 km/s - if p then q, not both.
"""
WORDS = _PROSE.split()
CARD = """---
configs:
- config_name: all
  data_files:
  - split: test
    path: test.jsonl
  - split: dev
    path: dev.jsonl
---
"""
"""What says on the hub which file holds which part."""


def write_exam(folder: Path, sizes: Mapping[str, int], words: int = 9) -> Path:
    """Subjects with five examples each, in the layout of MMLU's authors."""
    for name, count in sizes.items():
        made = subject(name, count, words)
        write_rows(folder / "dev" / f"{name}_dev.csv", rows(made.shots))
        write_rows(folder / "test" / f"{name}_test.csv", rows(made.questions))
    return folder


def subject(name: str, count: int, words: int = 9) -> Subject:
    """A subject of so many questions, the same every time; they are of all lengths to `words`."""
    rng = random.Random(name)
    made = [_question(rng, number, words) for number in range(5 + count)]
    return Subject(name, tuple(made[:5]), tuple(renumbered(made[5:])))


def renumbered(questions: Iterable[Question]) -> list[Question]:
    return [
        Question(number, one.text, one.options, one.answer) for number, one in enumerate(questions)
    ]


def publish(exam_folder: Path, target: Path) -> Path:
    """A data set as the hub keeps it, with the questions of a folder."""
    target.mkdir()
    exam = read_folder(exam_folder, shots=5)
    for split in ("test", "dev"):
        lines = [
            json.dumps(
                {
                    "question": one.text,
                    "subject": subject.name,
                    "choices": one.options,
                    "answer": one.answer,
                }
            )
            for subject in exam.subjects
            for one in (subject.questions if split == "test" else subject.shots)
        ]
        (target / f"{split}.jsonl").write_text("\n".join(lines))
    (target / "README.md").write_text(CARD)
    return target


def rows(questions: Iterable[Question]) -> list[Sequence[str]]:
    return [(one.text, *one.options, one.letter) for one in questions]


def write_rows(file: Path, fields: Iterable[Sequence[str]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(fields)


def _question(rng: random.Random, number: int, words: int) -> Question:
    first, second, third, fourth = (_text(rng, 3) for _ in LETTERS)
    text = _text(rng, words) + rng.choice(("", " ", "\n"))
    return Question(number, text, (first, second, third, fourth), rng.randrange(4))


def _text(rng: random.Random, most: int) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, most)))
