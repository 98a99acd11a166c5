"""Changes to the user's text, which the editor makes, and only to the text they were made for."""

from collections.abc import Sequence

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from assistant_lsp.buffer import Edit
from assistant_lsp.documents import Document
from assistant_lsp.protocol import AssistantLanguageServer

_ANNOTATION = "assistant"


async def apply(
    server: AssistantLanguageServer, document: Document, edits: Sequence[Edit], label: str
) -> str | None:
    """Have the editor change a document. Returns why it did not, or None when it did."""
    newest = server.protocol.documents.get(document.uri)
    if newest is None or newest.version != document.version:
        return "the text was changed meanwhile"
    edit = workspace_edit(document, edits, label, server.client_capabilities.workspace)
    if edit is None:
        return "this editor lets no language server change text"
    try:
        answer = await server.workspace_apply_edit_async(
            types.ApplyWorkspaceEditParams(edit, label=label)
        )
    except JsonRpcException as error:
        return error.message
    return None if answer.applied else answer.failure_reason or "the editor refused the change"


def workspace_edit(
    document: Document,
    edits: Sequence[Edit],
    label: str,
    able: types.WorkspaceClientCapabilities | None,
) -> types.WorkspaceEdit | None:
    """The edits in the best form that the editor understands; None where it understands none.

    With the document's version, an editor that is ahead of us refuses them by itself.
    """
    if able is None or not able.apply_edit:
        return None
    form = able.workspace_edit or types.WorkspaceEditClientCapabilities()
    plain = [_text_edit(document, edit) for edit in edits]
    if not form.document_changes:
        return types.WorkspaceEdit(changes={document.uri: plain})
    identifier = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    if form.change_annotation_support is None:
        change = types.TextDocumentEdit(identifier, plain)
        return types.WorkspaceEdit(document_changes=[change])
    annotated = [types.AnnotatedTextEdit(_ANNOTATION, e.range, e.new_text) for e in plain]
    return types.WorkspaceEdit(
        document_changes=[types.TextDocumentEdit(identifier, annotated)],
        change_annotations={_ANNOTATION: types.ChangeAnnotation(label)},
    )


def _text_edit(document: Document, edit: Edit) -> types.TextEdit:
    return types.TextEdit(document.buffer.span(edit.start, edit.end), edit.text)
