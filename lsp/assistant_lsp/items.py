"""A suggestion as the items that editors show."""

import re

from lsprotocol import types

_WORD_LEFT = re.compile(r"\w*\Z")


def ghost_item(
    position: types.Position, text: str, accepted: types.Command
) -> types.InlineCompletionItem:
    """Ghost text at the cursor. Without its range, Neovim would paste it."""
    span = types.Range(position, position)
    return types.InlineCompletionItem(text, range=span, command=accepted)


def popup_item(
    span: types.Range, line: str, text: str, language: str, client: types.ClientCapabilities
) -> types.CompletionItem:
    """An entry of the completion popup.

    `line` is what stands left of the cursor. The entry replaces the word there, which stands in
    `span`, because editors match entries against it.
    """
    whole = word_left(line) + text
    first_line = next(part for part in whole.splitlines() if part.strip())
    return types.CompletionItem(
        label=first_line.strip(),
        kind=types.CompletionItemKind.Text,
        detail="assistant",
        documentation=_documentation(whole, language, client),
        filter_text=whole.splitlines()[0] or first_line,
        # Behind what language servers know for certain.
        sort_text="~assistant",
        text_edit=types.TextEdit(span, whole),
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
    )


def word_left(line: str) -> str:
    """The word that ends at the cursor, perhaps empty."""
    found = _WORD_LEFT.search(line)
    return found[0] if found else ""


def _documentation(
    text: str, language: str, client: types.ClientCapabilities
) -> str | types.MarkupContent:
    """The whole of a text, as highlighted code where the editor reads Markdown."""
    completion = client.text_document.completion if client.text_document else None
    item = completion.completion_item if completion else None
    if types.MarkupKind.Markdown not in ((item and item.documentation_format) or ()):
        return text
    fence = "```"
    while fence in text:
        fence += "`"
    return types.MarkupContent(types.MarkupKind.Markdown, f"{fence}{language}\n{text}\n{fence}")
