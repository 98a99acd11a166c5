"""Changes to the user's text, which the editor makes, and only to the text they were made for."""

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from assistant.edit import Edit
from assistant.line_ends import with_line_feeds
from assistant_lsp.documents import Document
from assistant_lsp.protocol import AssistantLanguageServer

_SHOWN_LINES, _SHOWN_CHARACTERS = 12, 600
"""Of a new text, where an editor asks the user about it in words."""


@dataclass(frozen=True, slots=True)
class Change:
    """Edits of one version of one document, which need not be open, or there."""

    document: Document
    edits: Sequence[Edit]
    is_open: bool = True
    creates: bool = False
    """Whether the document's file is to be made first."""

    @property
    def text(self) -> str:
        """What is new in it."""
        return "\n\n".join(edit.text for edit in self.edits)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the editor says to a change that it was asked for."""

    applied: bool
    problem: str = ""
    """Why it was not; empty where the user did not want it."""


def hindrance(server: AssistantLanguageServer, change: Change, *, asked: bool) -> str | None:
    """Why the editor cannot make a change, or None where it can.

    It is `asked` for it, unless the change comes with an action.
    """
    newest = server.protocol.documents.get(change.document.uri)
    if change.is_open and (newest is None or newest.version != change.document.version):
        return "the text was changed meanwhile"
    able = server.client_capabilities.workspace
    if asked and (able is None or not able.apply_edit):
        return "this editor lets no language server change text"
    if not change.is_open and not _takes_versions(_form(able)):
        return "this editor lets no language server change a file that is not open"
    if change.creates and not _creates_files(_form(able)):
        return "this editor lets no language server make files"
    return None


async def apply(
    server: AssistantLanguageServer, change: Change, label: str, *, preview: bool
) -> Answer:
    """Ask the editor for a change that nothing hinders."""
    edit = workspace_edit(change, label, server.client_capabilities.workspace, preview=preview)
    params = types.ApplyWorkspaceEditParams(edit, label=label)
    try:
        answer = await server.workspace_apply_edit_async(params)
    except JsonRpcException as error:
        return Answer(False, error.message)
    if answer.applied:
        return Answer(True)
    if changed := _changed_since(server, change):
        return Answer(False, changed)
    reason = answer.failure_reason or ("" if preview else "the editor refused the change")
    return Answer(False, reason)


def _changed_since(server: AssistantLanguageServer, change: Change) -> str:
    newest = server.protocol.documents.get(change.document.uri)
    same = not change.is_open or (
        newest is not None and newest.buffer.text == change.document.buffer.text
    )
    return "" if same else "the text was changed meanwhile"


def workspace_edit(
    change: Change,
    label: str,
    able: types.WorkspaceClientCapabilities | None,
    *,
    preview: bool,
) -> types.WorkspaceEdit:
    """The edits in the best form that the editor understands.

    With the document's version, an editor that is ahead of us refuses them by itself. With
    `preview`, it is to show them to the user first, if it can.
    """
    form, uri = _form(able), change.document.uri
    plain = [_text_edit(change.document, edit) for edit in change.edits]
    if not _takes_versions(form):
        return types.WorkspaceEdit(changes={uri: plain})
    version = change.document.version if change.is_open else None
    document = types.OptionalVersionedTextDocumentIdentifier(uri, version)
    annotated = form.change_annotation_support is not None
    # One for each edit, so that each is shown with its own text.
    names = [f"assistant-{number}" for number in range(1, len(plain) + 1)]
    edits: list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit] = [*plain]
    if annotated:
        pairs = zip(names, plain, strict=True)
        edits = [types.AnnotatedTextEdit(name, e.range, e.new_text) for name, e in pairs]
    changes: list[types.TextDocumentEdit | types.CreateFile] = []
    if change.creates:
        # A file that is there by now is left as it is; the edit then comes on top.
        options = types.CreateFileOptions(ignore_if_exists=True)
        creation = types.CreateFile(uri, options=options)
        if annotated:
            creation.annotation_id = names[0]
        changes.append(creation)
    changes.append(types.TextDocumentEdit(document, edits))
    whole = types.WorkspaceEdit(document_changes=[*changes])
    if annotated:
        whole.change_annotations = {
            name: types.ChangeAnnotation(
                label, needs_confirmation=preview or None, description=_shown(edit.text)
            )
            for name, edit in zip(names, change.edits, strict=True)
        }
    return whole


def _form(
    able: types.WorkspaceClientCapabilities | None,
) -> types.WorkspaceEditClientCapabilities:
    form = able.workspace_edit if able is not None else None
    return form or types.WorkspaceEditClientCapabilities()


def _takes_versions(form: types.WorkspaceEditClientCapabilities) -> bool:
    """Neovim does not say that it takes document changes, but what there is only within them."""
    within = form.change_annotation_support is not None or bool(form.resource_operations)
    return bool(form.document_changes) or within


def _creates_files(form: types.WorkspaceEditClientCapabilities) -> bool:
    return types.ResourceOperationKind.Create in (form.resource_operations or ())


def _shown(text: str) -> str:
    """A new text as an editor without a better preview shows it."""
    whole = with_line_feeds(text).strip("\n")
    lines = whole[:_SHOWN_CHARACTERS].split("\n")[:_SHOWN_LINES]
    shown = "\n".join(lines)
    return shown if shown == whole else f"{shown.rstrip()} …"


def _text_edit(document: Document, edit: Edit) -> types.TextEdit:
    return types.TextEdit(document.buffer.span(edit.start, edit.end), edit.text)
