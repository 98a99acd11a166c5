"""The loss on held-out packages: by kind of sample, in the holes alone, and along the context."""

import random
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from tools.starter import model as models
from tools.starter.answers import Starter
from tools.starter.ngram import NGram
from tools.starter.samples import IGNORED, MIX, Sampler, batch
from tools.starter.tokenizer import BOS, SPECIAL

SEED = 7
ROWS, WINDOW = 8, 512
STRETCHES = ((0, 256), (256, 512), (512, 1024), (1024, 2048))
"""Parts of the context whose loss is told apart."""
_MIDDLE, _END = SPECIAL.index("<|fim_middle|>"), SPECIAL.index("<|end|>")

Row = Sequence[int]
Figures = dict[str, Any]


@torch.inference_mode()
def by_kind(starter: Starter, sampler: Sampler, baseline: NGram, rows: int = ROWS) -> Figures:
    """Nats for each learned token, and for each character that those tokens stand for."""
    figures: Figures = {}
    for kind in MIX:
        inputs, targets = batch(sampler, SEED, 0, rows, WINDOW, {kind: 1.0})
        figures[kind] = _loss(starter, inputs, targets)
        if kind == "code":
            texts = [(*given, *wanted[-1:]) for given, wanted in zip(inputs, targets, strict=True)]
            figures["code, 4-gram"] = _loss(starter, inputs, targets, baseline.loss(texts))
        if kind == "fim":
            pairs = zip(inputs, targets, strict=True)
            middles = [middle_only(given, wanted) for given, wanted in pairs]
            figures["fim, the middle alone"] = _loss(starter, inputs, middles)
    return figures


def middle_only(inputs: Row, targets: Row) -> list[int]:
    """The targets behind each `<|fim_middle|>` up to `<|end|>`; all others are ignored."""
    inside, kept = False, []
    for given, wanted in zip(inputs, targets, strict=True):
        inside = given == _MIDDLE or (inside and given != _END)
        kept.append(wanted if inside else IGNORED)
    return kept


def _loss(
    starter: Starter, inputs: Sequence[Row], targets: Sequence[Row], nats: float | None = None
) -> Figures:
    if nats is None:
        nats = float(models.loss(starter.model, torch.tensor(inputs), torch.tensor(targets)))
    learned = [[label for label in row if label != IGNORED] for row in targets]
    tokens = sum(map(len, learned))
    characters = sum(len(starter.renderer.tokenizer.decode(row)) for row in learned)
    return {
        "nats_per_token": round(nats / max(1, tokens), 4),
        "nats_per_character": round(nats / max(1, characters), 4),
        "tokens": tokens,
    }


@torch.inference_mode()
def by_position(starter: Starter, sampler: Sampler, rows: int = ROWS) -> Figures:
    """Nats for each token of long code files, by how far into the context it stands."""
    rng = random.Random(f"positions {SEED}")
    texts = [one.text for one in sampler.code.texts]
    rng.shuffle(texts)
    sums, found = torch.zeros(models.CONTEXT), 0
    for text in texts:
        ids = [SPECIAL.index(BOS), *starter.renderer.tokenizer.encode_text(text)]
        if len(ids) > models.CONTEXT and found < rows:
            row = torch.tensor(ids[: models.CONTEXT + 1])
            logits = starter.model(input_ids=row[None, :-1], use_cache=False).logits
            sums += functional.cross_entropy(logits[0].float(), row[1:], reduction="none")
            found += 1
    stretches = {f"{start}-{end}": sums[start:end] for start, end in STRETCHES}
    means = {name: round(float(part.mean()) / max(1, found), 4) for name, part in stretches.items()}
    return {"files": found, **means}
