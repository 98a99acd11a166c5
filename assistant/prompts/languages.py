"""What a prompt needs to know of languages: of people's, whether a text is Chinese, and of code's,
how a comment is written."""

import re

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ebef]")
_KANA = re.compile(r"[\u3041-\u30ff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_HAN_SHARE = 0.3
"""A Chinese note with English terms in it is Chinese: about one Han character says as much as one
Latin word does, and below this share of them the Chinese is the guest."""
_KANA_SHARE = 0.2
"""Japanese writes Han characters too, but never so many without kana among them."""
_MARKS = {
    "#": "coffeescript dockerfile elixir gdscript julia make makefile nim perl powershell python r"
    " ruby sh shellscript bash zsh fish tcl terraform toml yaml",
    "--": "ada elm haskell lua plsql sql vhdl",
    ";": "asm clojure commonlisp emacs-lisp lisp racket scheme",
    "%": "erlang latex matlab prolog tex",
    "!": "fortran fortran90",
    '"': "vim",
}
_MARK_OF = {language: mark for mark, names in _MARKS.items() for language in names.split()}


def is_chinese(text: str) -> bool:
    """Whether the text reads as Chinese."""
    han = len(_HAN.findall(text))
    if len(_KANA.findall(text)) > _KANA_SHARE * han:
        return False
    words = len(_LATIN_WORD.findall(text))
    return han > 0 and han / (han + words) >= _HAN_SHARE


def comment_mark(language: str) -> str:
    """What a line of comment begins with, by the editor's name of the language."""
    return _MARK_OF.get(language, "//")


def commented(text: str, language: str) -> str:
    """Every line of `text` as a line of comment, with a line end behind the last."""
    mark = comment_mark(language)
    return "".join(f"{mark} {line}".rstrip() + "\n" for line in text.split("\n"))
