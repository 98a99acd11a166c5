"""What a program's text says about itself, through tree-sitter's grammars."""

from assistant.syntax.grammars import languages, parser_for

__all__ = ["languages", "parser_for"]
