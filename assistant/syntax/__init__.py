"""What a program's text says about itself, through tree-sitter's grammars."""

from assistant.syntax.brackets import reader_for
from assistant.syntax.extent import Extent, extent_at
from assistant.syntax.fitting import Fit, fit
from assistant.syntax.grammars import languages, parser_for
from assistant.syntax.indentation import in_unit, unit_of

__all__ = [
    "Extent",
    "Fit",
    "extent_at",
    "fit",
    "in_unit",
    "languages",
    "parser_for",
    "reader_for",
    "unit_of",
]
