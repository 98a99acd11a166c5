"""Whether a question is answered alike by itself and among others."""

from collections.abc import Sequence

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.mmlu.prompts import prepare
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import MOST_SHOTS

_TIE = 0.1
"""Nats. Letters that are nearer to each other than kernels round count as one."""
_AGREEMENT = 0.99


class Batches(Check):
    """Asks each question of a few by itself, and all behind their common beginning at once."""

    name = "batches"
    doing = "asking one at a time, and many at once"

    def look(self, case: Case) -> Look:
        """See Check."""
        prompts = prepare(
            case.few, [PROTOCOLS["harness"]], MOST_SHOTS, case.encoder, case.loaded.context
        )
        reader = case.reader
        same, off, count = 0, 0.0, 0
        for batch in prompts.batches:
            start = reader.begin(batch.prefix)
            compared = [item.asks[0].compared for item in batch.items]
            read = reader.read([(start, item.ids) for item in batch.items])
            together = reader.likelihoods(list(zip(read, compared, strict=True)))
            for item, continuations, many in zip(batch.items, compared, together, strict=True):
                (text,) = reader.read([(reader.begin(()), (*batch.prefix, *item.ids))])
                (one,) = reader.likelihoods([(text, continuations)])
                same += agree(one, many)
                off = max(off, max(abs(a - b) for a, b in zip(one, many, strict=True)))
                count += 1
        seen = f"{same} of {count} alike, log-likelihoods {off:.4f} nats apart at most"
        if same >= _AGREEMENT * count:
            return Look(seen)
        wanted = f"{_AGREEMENT:.0%} answered alike, whatever else is in the batch"
        return Look(seen, (Finding(Cause.BATCH_EFFECT, Weight.LIKELY, wanted, seen),))


def agree(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the likeliest of one is, to the rounding of kernels, the likeliest of the other."""
    best = max(range(len(one)), key=one.__getitem__)
    return max(other) - other[best] <= _TIE
