"""Whether the model holds text to be likely: what is published, and what any model must beat."""

import math
from collections import Counter
from statistics import fmean

from assistant_eval.diagnosis.bands import perplexities
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.diagnosis.tokens.texts import nats, question_texts, windows

_WINDOW = 2048
"""Tokens of context behind which the published perplexities were measured."""
_SIZE = 0.03
_LARGE = 1e9
"""Parameters."""


class Perplexity(Check):
    """Reads the exam's own questions.

    A large model that has learned anything needs less than the entropy of the frequencies of the
    questions' tokens, which is what somebody needs who knows these and nothing else. Of a small
    one, for which the questions may be a foreign language, no more is asked than to be better than
    guessing among all tokens, which weights that are damaged or were never trained are not.
    """

    name = "perplexity"
    doing = "reading texts for their perplexity"

    def look(self, case: Case) -> Look:
        """See Check."""
        texts = question_texts(case)
        if not texts:
            raise CannotRun("no question fits into the context")
        bos = case.encoder.bos
        costs = nats(case, texts, () if bos is None else [bos])
        counts = Counter(token for ids in texts for token in ids[1:])
        total = sum(counts.values())
        cost = sum(c * (len(i) - 1) for c, i in zip(costs, texts, strict=True)) / total
        large = case.loaded.description.parameters >= _LARGE
        guess = _entropy(counts) if large else math.log(len(case.tokenizer.fast.get_vocab())) - 0.5
        seen = f"{math.exp(min(cost, 99)):,.1f} on {total:,} tokens of the questions"
        if math.isfinite(cost) and cost < guess:
            return Look(seen)
        what = "the tokens' frequencies alone" if large else "guessing, nearly,"
        finding = Finding(
            Cause.USELESS_WEIGHTS,
            Weight.SYMPTOM,
            f"less than {math.exp(guess):,.1f}, which {what} would give",
            seen if math.isfinite(cost) else "no number",
        )
        return Look(seen, (finding,))


def _entropy(counts: Counter[int]) -> float:
    """In nats, of what occurs so often."""
    total = sum(counts.values())
    return -sum(count / total * math.log(count / total) for count in counts.values())


class WikiText(Check):
    """Reads WikiText-2 where somebody has it at hand."""

    name = "perplexity of WikiText-2"
    doing = "reading WikiText-2"

    def look(self, case: Case) -> Look:
        """See Check."""
        if case.wikitext is None:
            raise CannotRun("no file is named: --wikitext wiki.test.raw")
        try:
            text = case.wikitext.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CannotRun(f"{case.wikitext} cannot be read: {error}") from error
        pieces = windows(case, text, _WINDOW)
        if not pieces:
            raise CannotRun(f"{case.wikitext} is too short")
        bos = case.encoder.bos
        found = math.exp(min(fmean(nats(case, pieces, () if bos is None else [bos])), 99))
        seen = f"{found:,.2f} on {sum(map(len, pieces)):,} tokens"
        size = case.loaded.description.parameters
        band = next(
            (b for b in perplexities() if math.isclose(b.parameters, size, rel_tol=_SIZE)), None
        )
        if band is None:
            return Look(f"{seen}; nothing is published for this size")
        if found <= band.healthy:
            return Look(f"{seen}, up to {band.healthy} is healthy")
        broken = found >= band.broken
        finding = Finding(
            Cause.USELESS_WEIGHTS,
            Weight.SYMPTOM if broken else Weight.NOTE,
            f"up to {band.healthy} for this size ({band.source})",
            seen,
        )
        return Look(seen, (finding,))
