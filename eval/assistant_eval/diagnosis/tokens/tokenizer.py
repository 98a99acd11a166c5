"""Whether the tokenizer's files and config.json are of the same model."""

import hashlib
from collections.abc import Iterator

from assistant.prompts.segments import BOS
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.mmlu.questions import LETTERS

LLAMA_SHA256 = "9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347"
"""Of LLaMA's tokenizer.model, which Llama 2 and the models made of both have unchanged."""
_LLAMA_IDS = {"<unk>": 0, "<s>": 1, "</s>": 2}
_PROBE = "Answer: A\n  def f(x):\n\treturn 'naïve' # 3.5% of 世界\n"


class TokenizerFiles(Check):
    """Compares ids, which costs nothing."""

    name = "tokenizer and BOS"
    doing = "comparing the tokenizer with config.json"

    def look(self, case: Case) -> Look:
        """See Check."""
        tokenizer = case.tokenizer
        bos = tokenizer.token_id(BOS)
        first = _first(case)
        named = "no token begins a text" if first is None else f"{_told(case, first)} begins a text"
        findings = [*self._bos(case, bos, first), *self._vocabulary(case)]
        back = tokenizer.decode(tokenizer.encode_text(_PROBE))
        if back.strip() != _PROBE.strip():
            wanted = f"text that comes back as it was: {_PROBE.strip()!r}"
            findings.append(Finding(Cause.WRONG_TOKENIZER, Weight.LIKELY, wanted, repr(back)))
        return Look(f"{named}{_sentencepiece(case)}", tuple(findings))

    def _bos(self, case: Case, bos: int | None, first: int | None) -> Iterator[Finding]:
        """Who says which token begins a text: config.json, the tokenizer, and what it does."""
        said = case.config.get("bos_token_id")
        if isinstance(said, int) and bos is not None and said != bos:
            yield Finding(
                Cause.WRONG_BOS,
                Weight.CERTAIN,
                f"bos_token_id {said}, as config.json says",
                f"{_told(case, bos)}, as tokenizer_config.json says",
            )
        elif first is not None and bos is not None and first != bos:
            yield Finding(
                Cause.WRONG_BOS,
                Weight.CERTAIN,
                f"{_told(case, bos)} before a text, the tokenizer's bos_token",
                f"{_told(case, first)}, which tokenizer.json puts there",
            )

    def _vocabulary(self, case: Case) -> Iterator[Finding]:
        fast = case.tokenizer.fast
        highest = max(fast.get_vocab(with_added_tokens=True).values(), default=0)
        rows = case.config.get("vocab_size")
        if isinstance(rows, int) and highest >= rows:
            yield Finding(
                Cause.WRONG_TOKENIZER,
                Weight.CERTAIN,
                f"ids below {rows:,}, the vocab_size of config.json",
                f"an id of {highest:,}",
            )
        spec = case.spec
        if spec is not None and spec.architecture == "llama" and spec.vocab_size <= 32_016:
            ids = {name: fast.token_to_id(name) for name in _LLAMA_IDS}
            if ids != _LLAMA_IDS:
                yield Finding(Cause.WRONG_TOKENIZER, Weight.CERTAIN, str(_LLAMA_IDS), str(ids))
        ends = case.encoder.behind("Answer:", [f" {letter}" for letter in LETTERS], "tokenizer")
        if len(set(ends)) < len(LETTERS) or not all(ends):
            wanted = "four different tokens for the letters behind `Answer:`"
            yield Finding(Cause.WRONG_TOKENIZER, Weight.CERTAIN, wanted, str(ends))


def _first(case: Case) -> int | None:
    """The control token that the tokenizer puts before a text."""
    (ids,) = case.encoder.encode(["Answer"], "tokenizer")
    return ids[0] if ids and ids[0] in case.tokenizer.control_ids else None


def _told(case: Case, token: int) -> str:
    return f"{case.tokenizer.fast.id_to_token(token)} ({token})"


def _sentencepiece(case: Case) -> str:
    file = case.folder / "tokenizer.model"
    if not file.is_file():
        return ""
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    own = "LLaMA's own" if found == LLAMA_SHA256 else "not LLaMA's own"
    return f"; tokenizer.model is {own} ({found[:8]}…)"
