"""Trains the byte-level BPE: `python -m tools.starter.tokenizer` writes RUN/tokenizer.json."""

import argparse
import random
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from tools.starter.documents import Corpus

VOCABULARY = 8_192
BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"
SPECIAL = (
    BOS,
    EOS,
    PAD,
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
)
PIECES = "|".join(
    (
        r"'(?:[sdmt]|ll|ve|re)(?!\p{L})",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",  # a word with the space, dot or underscore before it
        r"\p{N}{1,2}",
        r" ?[^\s\p{L}\p{N}]+",
        r"(?:[ \t]*\r?\n)+[ \t]*",  # line ends together with the next line's indentation
        r"[ \t]+(?!\S)",
        r"\s+",
    )
)
"""How text is cut before merging. A cursor after an indentation is always at a token's end."""
CODE_CHARACTERS, PROSE_CHARACTERS = 24_000_000, 6_000_000


def train(texts: list[str]) -> Tokenizer:
    """A tokenizer that splits text as `PIECES` says and loses no byte."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=32,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _sample(corpus: Corpus, seed: int) -> list[str]:
    texts: list[str] = []
    for kind, limit in (("code", CODE_CHARACTERS), ("prose", PROSE_CHARACTERS)):
        documents = [one.text for one in corpus.documents(kind, "train")]
        random.Random(seed).shuffle(documents)
        while documents and limit > 0:
            texts.append(documents.pop())
            limit -= len(texts[-1])
    return texts


def main() -> None:
    """Train on a sample of the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path(".starter"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    train(_sample(Corpus(options.run), options.seed)).save(str(options.run / "tokenizer.json"))


if __name__ == "__main__":
    main()
