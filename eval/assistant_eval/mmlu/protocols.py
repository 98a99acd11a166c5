"""The protocols that published figures come from, and how they differ, as data.

A score of MMLU without its protocol says little: one model of 13 billion parameters has 47 under
one and 38 under another of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assistant_eval.encoding import Bos
from assistant_eval.mmlu import styles
from assistant_eval.mmlu.styles import Style

Side = Literal["left", "right"]
Reading = Literal["letters", "bare letters", "options", "written letter", "written start"]
"""`letters`: the letter, behind a space, with the largest likelihood. `bare letters`: the same with
the letter encoded by itself. `options`: the option's whole text with the largest likelihood, and
that divided by its length. `written letter`: what the model writes is the letter and nothing else.
`written start`: it begins with the letter."""

ACC, ACC_NORM = "acc", "acc_norm"


@dataclass(frozen=True, slots=True)
class Protocol:
    """How questions are put and answers read."""

    name: str
    about: str
    """One line for people."""
    style: Style
    reading: Reading
    bos: Bos = "tokenizer"
    most_tokens: int | None = None
    """The longest prompt; None for what the model reads."""
    drops_shots: bool = False
    """Whether examples are left out, the last first, from a prompt that is too long."""
    cut: Side = "left"
    """Where a prompt is cut that is still too long."""
    writes: int = 0
    """Tokens that the model may write."""
    stop: str | None = None
    """The text that ends what it writes."""

    @property
    def measures(self) -> tuple[str, ...]:
        """What is counted: `acc`, and with `acc_norm` the likelihoods divided by lengths."""
        return (ACC, ACC_NORM) if self.reading == "options" else (ACC,)


_ALL = (
    Protocol(
        "original",
        "the authors' evaluate.py: the likeliest of the four letters",
        styles.ORIGINAL,
        "letters",
        most_tokens=2048,
        drops_shots=True,
    ),
    Protocol(
        "harness",
        "lm-evaluation-harness 0.4 `mmlu`: the likeliest of the four letters",
        styles.HARNESS,
        "letters",
    ),
    Protocol(
        "old-harness",
        "lm-evaluation-harness before June 2023: the likeliest of the four texts",
        styles.FULL_TEXT,
        "options",
        bos="none",
    ),
    Protocol(
        "helm",
        "HELM: the model writes up to five tokens, which must be the letter",
        styles.HELM,
        "written letter",
        drops_shots=True,
        cut="right",
        writes=5,
        stop="\n",
    ),
    Protocol(
        "instruct-eval",
        "instruct-eval: the model writes two tokens, which must begin with the letter",
        styles.ORIGINAL,
        "written start",
        most_tokens=2048,
        drops_shots=True,
        writes=2,
    ),
    Protocol(
        "qlora",
        "QLoRA's qlora.py: the likeliest bare letter, prompts cut at the end",
        styles.ORIGINAL,
        "bare letters",
        bos="always",
        most_tokens=2048,
        cut="right",
    ),
)

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _ALL}
"""By name. Sources, as read in 2026:

- original: github.com/hendrycks/test, `evaluate.py`; arXiv 2009.03300.
- harness: github.com/EleutherAI/lm-evaluation-harness 0.4.13, `tasks/mmlu/default`.
- old-harness: the same at `hendrycksTest` version 0, which encoded a continuation by itself.
- helm: Liang et al. 2022, arXiv 2211.09110, the adaptation `multiple_choice_joint`.
- instruct-eval: Chia et al. 2023, arXiv 2306.04757, `mmlu.py`.
- qlora: Dettmers et al. 2023, arXiv 2305.14314, `qlora.py`.
"""
