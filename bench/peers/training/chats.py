"""Short chats made up from words: speed does not ask what was said, only how much."""

import json
import random
import re
from pathlib import Path
from pydoc_data.topics import topics

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|end|>"
    "{% endgeneration %}{% else %}{{ message['content'] }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""The starter's chat format as a template that says what the assistant has written."""
_WORDS = sorted({word for text in topics.values() for word in re.findall("[A-Za-z]{2,9}", text)})
_CHARACTERS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过"
)
_CHINESE = 0.25
"""The share of chats in Chinese."""
_MEDIAN, _SPREAD = 70, 0.6
"""Words of a chat: their logarithms are normally distributed, as in collections of chats."""
_LEAST, _MOST = 16, 170
_ANSWER = 0.65
"""The share of an exchange that is its answer."""


def write_chats(file: Path, count: int, seed: int = 5) -> None:
    """`count` chats of one to three exchanges, an object with `messages` on each line."""
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        words = min(max(round(rng.lognormvariate(0, _SPREAD) * _MEDIAN), _LEAST), _MOST)
        chinese, exchanges = rng.random() < _CHINESE, rng.choice((1, 1, 2, 3))
        messages = []
        for _ in range(exchanges):
            share = words / exchanges
            for role, part in (("user", 1 - _ANSWER), ("assistant", _ANSWER)):
                text = _text(rng, max(2, round(share * part)), chinese)
                messages.append({"role": role, "content": text})
        lines.append(json.dumps({"messages": messages}, ensure_ascii=False))
    file.write_text("\n".join(lines) + "\n", "utf-8")


def _text(rng: random.Random, words: int, chinese: bool) -> str:
    if chinese:  # whose characters take about two tokens each
        return "".join(rng.choices(_CHARACTERS, k=max(2, words * 2 // 3)))
    return " ".join(rng.choices(_WORDS, k=words))
