"""Whether text is likeliest behind the token that begins it."""

import math
from statistics import fmean

from assistant.prompts.segments import BOS
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.diagnosis.tokens.texts import nats, question_texts

_TEXTS, _TOKENS = 24, 32
"""What is read behind each token."""
_OTHERS = 12
"""Control tokens that are tried beside the one that should be right."""
_MARGIN = 0.5
"""Nats a token by which another beginning must be better to be called the right one."""


class Begin(Check):
    """Reads the same texts behind each token that could begin them, and behind none."""

    name = "text behind BOS"
    doing = "reading texts behind each control token"

    def look(self, case: Case) -> Look:
        """See Check."""
        tokenizer = case.tokenizer
        bos = tokenizer.token_id(BOS)
        (ids,) = case.encoder.encode(["Answer"], "tokenizer")
        if bos is None or ids[:1] != (bos,):
            raise CannotRun("the tokenizer puts no BOS before a text")
        texts = [ids[:_TOKENS] for ids in question_texts(case)[:_TEXTS]]
        others = [token for token in sorted(tokenizer.control_ids) if token != bos][:_OTHERS]
        costs = {token: fmean(nats(case, texts, [token])) for token in (bos, *others)}
        bare = fmean(nats(case, texts))
        if not all(map(math.isfinite, costs.values())):
            raise CannotRun("the costs are no numbers")
        best = min(costs, key=costs.__getitem__)
        named = tokenizer.fast.id_to_token
        seen = f"{costs[bos]:.2f} nats a token behind {named(bos)}, {bare:.2f} behind nothing"
        if costs[bos] - costs[best] <= _MARGIN:
            return Look(seen)
        finding = Finding(
            Cause.WRONG_BOS,
            Weight.SYMPTOM,
            f"text that is likeliest behind {named(bos)} ({bos})",
            f"{costs[bos]:.2f} nats a token behind it, {costs[best]:.2f} behind {named(best)}"
            f" ({best})",
        )
        return Look(seen, (finding,))
