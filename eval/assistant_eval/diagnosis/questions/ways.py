"""The ways in which a number may have been measured: protocols, and faults of a harness."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant_eval.diagnosis.findings import Cause
from assistant_eval.mmlu.protocols import ACC, PROTOCOLS, Protocol
from assistant_eval.mmlu.questions import MOST_SHOTS

Compared = Literal["behind", "bare"]
"""Which ids stand for the letters: those behind `Answer:`, or those of a letter by itself."""
LENGTHS = (512, 1024, 2048)
"""Tokens at which harnesses are told to cut."""
BATCHES = (4, 8, 16, 32)
"""Questions that are padded to the same length."""
_LETTERS = PROTOCOLS["harness"]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to measure."""

    name: str
    protocol: Protocol
    shots: int = MOST_SHOTS
    measure: str = ACC
    cause: Cause | None = None
    """What it is called where it explains a number; None for the faithful one."""
    compared: Compared = "behind"
    padded: int | None = None
    """Questions of a batch that are padded at the left, with nothing that says so."""
    prior: float = 1.0
    """How often it is met, beside others."""

    @property
    def asked(self) -> "Way":
        """The same for all measures, which are taken from the same answers."""
        return replace(self, name="", measure=ACC, cause=None, prior=1.0)


REFERENCE = Way("letters, 5-shot (harness)", _LETTERS)
"""What a number should be near, whichever faithful harness it comes from."""


def protocols() -> Iterator[Way]:
    """The protocols with and without examples, the commonest confusions first."""
    for shots in (0, MOST_SHOTS):
        for protocol in PROTOCOLS.values():
            for measure in protocol.measures:
                named = (
                    f"{protocol.name} {measure}" if len(protocol.measures) > 1 else protocol.name
                )
                way = Way(f"{named}, {shots}-shot", protocol, shots, measure, Cause.WRONG_PROTOCOL)
                if way.protocol is REFERENCE.protocol and way.shots == REFERENCE.shots:
                    yield replace(way, cause=None)
                    continue
                # On many vocabularies QLoRA's letters are the bare ones: the fault says more.
                yield replace(way, prior=0.9 if protocol.name == "qlora" else 1 if shots else 2)


def faults(context: int, adds_bos: bool, has_bos: bool) -> Iterator[Way]:
    """Faults of a harness that compares letters behind five examples.

    `context` is what the model reads, in tokens; `adds_bos` says whether its tokenizer begins a
    text with BOS, and `has_bos` whether there is one.
    """
    bare = Cause.WRONG_LETTER_TOKEN
    yield Way("bare letters (no space before them)", _LETTERS, cause=bare, compared="bare")
    for length in _lengths(context):
        cut = replace(_LETTERS, name=f"right-{length}", cut="right", most_tokens=length)
        yield Way(f"cut at the right of {length:,} tokens", cut, cause=Cause.RIGHT_CUT)
    if adds_bos or has_bos:
        other = replace(_LETTERS, name="other-bos", bos="none" if adds_bos else "always")
        told = "without BOS" if adds_bos else "with BOS, which the tokenizer does not add"
        yield Way(told, other, cause=Cause.WRONG_BOS)
    for size in BATCHES:
        told = f"{size} questions padded at the left, without mask or positions"
        yield Way(told, _LETTERS, cause=Cause.LEFT_PADDING, padded=size)


def _lengths(context: int) -> Sequence[int]:
    return sorted({context, *(length for length in LENGTHS if length < context)})
