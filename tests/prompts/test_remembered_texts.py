"""Ids of texts are remembered from one prompt to the next, and nobody can change them there."""

from tokenizers import Tokenizer

from assistant.prompts.tokenizer import TextTokenizer
from assistant.registry import STARTER, locate


def test_what_somebody_does_with_the_ids_is_not_seen_by_the_next() -> None:
    tokenizer = TextTokenizer(Tokenizer.from_file(str(locate(STARTER).folder / "tokenizer.json")))
    text = "def area(width, height):\n"
    first = tokenizer.encode_text(text)
    kept = list(first)
    first.clear()
    assert tokenizer.encode_text(text) == kept
