"""Measures the starter on held-out packages: `python -m tools.starter.evaluate`.

Writes RUN/evaluation.json: the loss of each kind of sample, completions beside those of a 4-gram,
the repair of seeded mistakes, and summaries of functions beside the words of their names.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from assistant.messages import CompletionRequest
from assistant.prompts import Task
from tools.starter import losses, mistakes, places, prose_samples, scores
from tools.starter.answers import LINE_TOKENS, Starter
from tools.starter.documents import Corpus
from tools.starter.functions import Function
from tools.starter.losses import SEED
from tools.starter.ngram import NGram
from tools.starter.samples import Sampler
from tools.starter.tokenizer import BOS, EOS, SPECIAL, VOCABULARY

NGRAM_TOKENS = 10_000_000

Figures = dict[str, Any]


def ngram(corpus: Corpus, starter: Starter, run: Path) -> NGram:
    """The 4-gram of the training part's code, counted once for a run folder."""
    path = run / "ngram.npz"
    if not path.exists():
        NGram.count(_code(corpus, starter, NGRAM_TOKENS), VOCABULARY).save(path)
    return NGram.load(path)


def _code(corpus: Corpus, starter: Starter, limit: int) -> Iterator[list[int]]:
    texts = corpus.documents("code", "train")[:]
    random.Random(SEED).shuffle(texts)
    for one in texts:
        ids = starter.renderer.tokenizer.encode_text(one.text)
        yield [SPECIAL.index(BOS), *ids, SPECIAL.index(EOS)]
        limit -= len(ids)
        if limit <= 0:
            return


def completions(starter: Starter, sampler: Sampler, baseline: NGram, count: int) -> Figures:
    """The starter as it is served, the starter going on from the prefix alone, and the 4-gram."""
    ends = starter.line_ends | {SPECIAL.index(EOS)}

    def counted(request: CompletionRequest) -> str:
        before = starter.renderer.tokenizer.encode_text(request.prefix)
        ids = baseline.greedy(before, ends, LINE_TOKENS)
        return starter.renderer.tokenizer.decode(ids).split("\n")[0]

    figures: Figures = {"places": count}
    for kind in (places.LINE, places.REST):
        drawn = places.draw(sampler.code, kind, count, SEED)
        requests = [place.request for place in drawn]
        wanted = [place.wanted for place in drawn]
        figures[kind] = {
            "starter": _lines(starter.lines(requests), wanted),
            "starter_plain": _lines(starter.plain_lines(requests), wanted),
            "ngram": _lines([counted(request) for request in requests], wanted),
        }
    return figures


def _lines(answers: Sequence[str], wanted: Sequence[str]) -> Figures:
    pairs = [(one.rstrip(), other) for one, other in zip(answers, wanted, strict=True)]
    return {
        "exact": round(fmean(one == other for one, other in pairs), 4),
        "similarity": round(fmean(scores.similarity(*pair) for pair in pairs), 4),
    }


def polish(starter: Starter, sampler: Sampler, count: int) -> Figures:
    """What becomes of texts with seeded mistakes, and of texts without any."""
    rng = random.Random(f"polish {SEED}")
    clean = _passages(sampler, rng, count + count // 2)
    count = len(clean) * 2 // 3
    spoiled = [mistakes.spoil(text, rng) for text in clean[:count]]
    limit = max(len(text) for text in clean) // 2 + 32
    answers = starter.answers(Task.POLISH, spoiled + clean[count:], limit)
    kept = [one == other for one, other in zip(answers[count:], clean[count:], strict=True)]
    triples = list(zip(spoiled, answers[:count], clean[:count], strict=True))
    moved = [(scores.distance(old, text), scores.distance(new, text)) for old, new, text in triples]
    words = [scores.mended(*triple) for triple in triples]
    return {
        "texts": count,
        "closer": round(fmean(after < before for before, after in moved), 4),
        "farther": round(fmean(after > before for before, after in moved), 4),
        "restored": round(fmean(after == 0 for _, after in moved), 4),
        "words_wrong": sum(one.wrong for one in words),
        "words_fixed": sum(one.fixed for one in words),
        "words_broken": sum(one.broken for one in words),
        "clean_texts": len(kept),
        "clean_unchanged": round(fmean(kept), 4),
    }


def _passages(sampler: Sampler, rng: random.Random, count: int) -> list[str]:
    """Different passages; fewer where the held-out part has fewer."""
    seen: dict[str, None] = {}
    for _ in range(30 * count):
        text = prose_samples.passage(sampler.prose.draw(rng).text, rng)
        if text is not None:
            seen[text] = None
        if len(seen) == count:
            break
    return list(seen)


def summaries(starter: Starter, functions: Sequence[Function], count: int) -> Figures:
    """Word F1 with the author's summary, beside that of the function's name taken apart."""
    chosen = random.Random(f"functions {SEED}").sample(functions, min(count, len(functions)))
    sources, wanted = [one.source for one in chosen], [one.summary for one in chosen]
    names = [" ".join(re.findall(r"def (\w+)", source)[:1]) for source in sources]
    figures: Figures = {"functions": len(chosen), "name_alone": _f1(names, wanted)}
    for task in (Task.EXPLAIN, Task.DOCSTRING):
        figures[task.name.lower()] = _f1(starter.answers(task, sources, 64), wanted)
    return figures


def _f1(answers: Sequence[str], wanted: Sequence[str]) -> float:
    pairs = zip(answers, wanted, strict=True)
    return round(fmean(scores.token_f1(*pair) for pair in pairs), 4)


def evaluate(folder: Path, run: Path, count: int, rows: int = losses.ROWS) -> Figures:
    """All figures of a folder, as they are written to RUN/evaluation.json."""
    started = time.monotonic()
    starter, corpus = Starter(folder), Corpus(run)
    sampler = Sampler(corpus, starter.tokens, "held out")
    baseline = ngram(corpus, starter, run)
    functions = corpus.functions("held out")
    parts: dict[str, Callable[[], Figures]] = {
        "loss": lambda: losses.by_kind(starter, sampler, baseline, rows),
        "loss_by_position": lambda: losses.by_position(starter, sampler, rows),
        "completion": lambda: completions(starter, sampler, baseline, count),
        "polish": lambda: polish(starter, sampler, count // 2),
        "summary": lambda: summaries(starter, functions, count // 3),
    }
    figures: Figures = {"step": starter.step, "parameters": starter.parameters}
    figures |= {"ngram_tokens": NGRAM_TOKENS, "seed": SEED, "corpus": corpus.characters()}
    for name, part in parts.items():
        figures[name] = part()
        print(f"{name}: {json.dumps(figures[name])} ({time.monotonic() - started:.0f} s)")
    path = run / "evaluation.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    return figures


def main() -> None:
    """Evaluate a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("assistant/starter"))
    parser.add_argument("--run", type=Path, default=Path(".starter"))
    parser.add_argument("--places", type=int, default=300, help="cursors of each kind")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    evaluate(options.folder, options.run, options.places)


if __name__ == "__main__":
    main()
