"""Questions made up from words, as long as MMLU's: speed does not ask what was asked."""

import csv
import random
import re
from pathlib import Path
from pydoc_data.topics import topics

from assistant_eval.mmlu.questions import LETTERS

_WORDS = sorted({word for text in topics.values() for word in re.findall("[A-Za-z]{2,9}", text)})
_QUESTION, _OPTION = (22, 0.7), (5, 0.6)
"""The median of words, and how far their logarithms spread. A prompt then has 820 of the starter's
tokens, 124 of them the question's; MMLU's have 805 and 122 in LLaMA's."""
_EXAMPLES = 5


def write_exam(folder: Path, subject: str, questions: int, seed: int = 0) -> Path:
    """A folder in the layout of MMLU's authors, with one subject."""
    rng = random.Random(seed)
    for part, count in (("dev", _EXAMPLES), ("test", questions)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        with (folder / part / f"{subject}_{part}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            for _ in range(count):
                options = [_text(rng, *_OPTION) for _ in LETTERS]
                writer.writerow([_text(rng, *_QUESTION) + "?", *options, rng.choice(LETTERS)])
    return folder


def _text(rng: random.Random, median: float, spread: float) -> str:
    return " ".join(rng.choices(_WORDS, k=max(1, round(rng.lognormvariate(0, spread) * median))))
