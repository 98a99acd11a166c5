"""Puts the mistakes that hurried people make into clean English, seeded."""

import random
import re
from collections.abc import Callable

_NEAR = {
    "a": "sqw", "b": "vgn", "c": "xvd", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy",
    "i": "uok", "j": "hku", "k": "jli", "l": "ko", "m": "n", "n": "bm", "o": "ipl", "p": "ol",
    "q": "wa", "r": "etf", "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs",
    "y": "tuh", "z": "xa",
}  # fmt: skip
_CONFUSED = {
    "their": ("there", "thier"), "there": ("their", "ther"), "its": ("it's",), "it's": ("its",),
    "your": ("you're",), "you're": ("your",), "then": ("than",), "than": ("then",), "to": ("too",),
    "too": ("to",), "affect": ("effect",), "effect": ("affect",), "lose": ("loose",),
    "whether": ("wether", "weather"), "which": ("wich",), "because": ("becuase", "becasue"),
    "the": ("teh", "hte"), "receive": ("recieve",), "separate": ("seperate",), "and": ("adn", "an"),
    "different": ("diferent",), "necessary": ("neccessary",), "with": ("wiht",), "that": ("taht",),
    "is": ("are",), "are": ("is",), "was": ("were",), "were": ("was",), "has": ("have",),
    "have": ("has", "of"), "does": ("do",), "doesn't": ("don't", "doesnt"), "don't": ("dont",),
    "can't": ("cant",), "isn't": ("isnt",), "won't": ("wont",), "these": ("this",),
    "this": ("these",), "who": ("whom",), "should": ("shoud",), "would": ("woud",), "of": ("off",),
    "a": ("an",), "an": ("a",), "use": ("uses",), "used": ("use",), "only": ("olny",),
}  # fmt: skip
_SMALL = {"a", "an", "the", "to", "of"}
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_TOKEN = re.compile(r"`[^`]*`|\S+|\s+")
CLEAN_SHARE = 0.15


def spoil(text: str, rng: random.Random) -> str:
    """The text with mistakes in it; code between backticks stays as it is.

    How many is drawn first: a few for most texts, about one word in five for some.
    """
    rate = rng.choice((0.04, 0.08, 0.12, 0.2))
    tokens = _TOKEN.findall(text)
    for _ in range(8):
        spoiled = _spoil_start("".join(_spoil_token(token, rate, rng) for token in tokens), rng)
        spoiled = re.sub(r"  +", " ", spoiled).strip()
        if spoiled != text:
            return spoiled
    return text[:1].swapcase() + text[1:]


def _spoil_start(text: str, rng: random.Random) -> str:
    """Perhaps lower-case sentence starts and a lost full stop."""
    if rng.random() < 0.25:
        text = re.sub(r"(^|[.!?] )([A-Z])(?=[a-z]* )", lambda m: m[1] + m[2].lower(), text)
    if rng.random() < 0.15 and text.endswith("."):
        text = text[:-1]
    return text


def _spoil_token(token: str, rate: float, rng: random.Random) -> str:
    if token.isspace():
        return "" if rng.random() < rate * 0.08 else token
    if token.startswith("`") or rng.random() >= rate:
        return token
    if token[-1] in ",;" and rng.random() < 0.5:
        return token[:-1]
    word = _WORD.search(token)
    if word is None or re.search(r"[_`()./\\]\w", token):
        return token
    return token[: word.start()] + _spoil_word(word[0], rng) + token[word.end() :]


def _spoil_word(word: str, rng: random.Random) -> str:
    lower = word.lower()
    if lower in _CONFUSED and rng.random() < 0.6:
        wrong = rng.choice(_CONFUSED[lower])
        return wrong.capitalize() if word[0].isupper() else wrong
    if lower in _SMALL:
        return "" if rng.random() < 0.8 else f"{word} {lower}"
    kinds: list[Callable[[str, random.Random], str]] = [_swap, _drop, _double, _near, _ending]
    if len(word) < 4:
        kinds = [_swap, _near, _repeat]
    chosen = rng.choices(kinds, weights=[3, 3, 2, 2, 2][: len(kinds)])[0]
    return chosen(word, rng)


def _swap(word: str, rng: random.Random) -> str:
    place = rng.randrange(max(1, len(word) - 1))
    return word[:place] + word[place + 1 : place + 2] + word[place] + word[place + 2 :]


def _drop(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word))
    return word[:place] + word[place + 1 :]


def _double(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word))
    return word[:place] + word[place] + word[place:]


def _near(word: str, rng: random.Random) -> str:
    place = rng.randrange(len(word))
    near = _NEAR.get(word[place].lower())
    return word[:place] + rng.choice(near) + word[place + 1 :] if near else word


def _repeat(word: str, rng: random.Random) -> str:
    return f"{word} {word.lower()}"


def _ending(word: str, rng: random.Random) -> str:
    """A wrong ending: agreement, tense or adverb."""
    for ending in ("ed", "ing", "ly", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)]
    return word + "s"
