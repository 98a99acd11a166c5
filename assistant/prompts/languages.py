"""Which human language a text is written in, as far as the wording of a prompt needs to know."""

import re

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ebef]")
_KANA = re.compile(r"[\u3041-\u30ff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_HAN_SHARE = 0.3
"""A Chinese note with English terms in it is Chinese: about one Han character says as much as one
Latin word does, and below this share of them the Chinese is the guest."""
_KANA_SHARE = 0.2
"""Japanese writes Han characters too, but never so many without kana among them."""


def is_chinese(text: str) -> bool:
    """Whether the text reads as Chinese."""
    han = len(_HAN.findall(text))
    if len(_KANA.findall(text)) > _KANA_SHARE * han:
        return False
    words = len(_LATIN_WORD.findall(text))
    return han > 0 and han / (han + words) >= _HAN_SHARE
