"""How likely a model holds texts."""

from collections.abc import Iterator, Sequence

from assistant_eval.diagnosis.case import Case
from assistant_eval.mmlu.styles import HARNESS

_TOKENS = 8192
"""Of a text that are read at most."""
_ROWS = 512
"""Tokens that are read in one pass."""


def nats(case: Case, texts: Sequence[Sequence[int]], first: Sequence[int] = ()) -> list[float]:
    """The mean cost of each text's tokens but its first, behind `first`, in nats a token."""
    import torch

    reader, costs = case.reader, list[float]()
    for batch in _batches(texts, len(first)):
        start = reader.begin(())
        read = reader.read([(start, (*first, *ids)) for ids in batch], [len(ids) for ids in batch])
        for text, ids in zip(read, batch, strict=True):
            logprobs = torch.log_softmax(text.logits[:-1], dim=-1)
            wanted = torch.tensor(ids[1:], device=logprobs.device).unsqueeze(-1)
            costs.append(-float(logprobs.gather(-1, wanted).mean()))
    return costs


def question_texts(case: Case) -> list[tuple[int, ...]]:
    """The questions with their answers, as ids, without a token that begins a text."""
    texts = [HARNESS.example(question).strip() for _, question in case.sample]
    room = case.loaded.context - 1
    found, left = [], _TOKENS
    for ids in case.encoder.encode(texts, "none"):
        if 1 < len(ids) <= room and left > 0:
            found.append(ids)
            left -= len(ids)
    return found


def windows(case: Case, text: str, length: int) -> list[tuple[int, ...]]:
    """A text in pieces of so many tokens, as perplexities are published for."""
    size = min(length, case.loaded.context - 1)
    (ids,) = case.encoder.encode([text], "none")
    ids = ids[:_TOKENS]
    return [ids[start : start + size] for start in range(0, len(ids) - size + 1, size)]


def _batches(texts: Sequence[Sequence[int]], before: int) -> Iterator[list[Sequence[int]]]:
    batch: list[Sequence[int]] = []
    rows = 0
    for ids in texts:
        if batch and rows + len(ids) + before > _ROWS:
            yield batch
            batch, rows = [], 0
        batch.append(ids)
        rows += len(ids) + before
    if batch:
        yield batch
