"""Which actions are offered where.

An editor asks at every move of the cursor, so this looks at one line and nothing else; whether
there is something to do is seen when it is done, and told.

What an action does is a command, and not an edit, in an editor that lets us ask for edits. An
edit could be made in `codeAction/resolve`, and is not, because the model thinks for seconds:

- VS Code shows nothing while it waits for that answer, and nothing ends the waiting; a command has
  its progress, which can be cancelled.
- VS Code's client drops the version of an edit that comes with an action: it would be made in
  whatever the user has typed meanwhile. An edit that we ask for is checked.
- Nobody would say whether the user took the edit, or saw its preview and said no.

So resolving fills in the command, which costs nothing either. An editor that takes no edits when
asked, but those of actions, gets its edit there.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto

from lsprotocol import converters, types

from assistant import prose_places
from assistant_lsp.actions import (
    ACTIONS,
    COMMENT_TO_CODE,
    CONTINUE,
    DOCSTRING,
    EXPAND,
    EXPLAIN,
    FIX,
    POLISH,
    SHORTEN,
    SUGGEST_NAMES,
    TRANSLATE,
    WRITE_TEST,
    Action,
    Target,
    cursor_row,
)
from assistant_lsp.code import is_comment
from assistant_lsp.documents import Document
from assistant_lsp.files_for_tests import is_test

_MOST_TITLE = 60
_NAME = re.compile(r"[^\W\d]")
_CONVERTER = converters.get_converter()
_BY_COMMAND = {action.command: action for action in ACTIONS}


class Form(Enum):
    """How an editor gets to what an action does."""

    COMMAND = auto()
    """As a command, at once."""
    COMMAND_LATER = auto()
    """As a command, when it asks for that."""
    EDIT_LATER = auto()
    """As an edit, when it asks for that."""


def form_for(client: types.ClientCapabilities) -> Form:
    """The best form for an editor."""
    able = client.text_document.code_action if client.text_document else None
    if able is None or not able.data_support or able.resolve_support is None:
        return Form.COMMAND
    asks_for = able.resolve_support.properties
    if "edit" in asks_for and not (client.workspace and client.workspace.apply_edit):
        return Form.EDIT_LATER
    return Form.COMMAND_LATER if "command" in asks_for else Form.COMMAND


def offered(
    document: Document, params: types.CodeActionParams, form: Form
) -> list[types.CodeAction]:
    """The actions for a place. Those that nobody asked for are only offered on a selection, and
    for problems."""
    wanted = params.context.only

    def is_wanted(action: Action) -> bool:
        return wanted is None or any(_is_kind(action.kind, kind) for kind in wanted)

    fixes = []
    if is_wanted(FIX) and document.language not in prose_places.LANGUAGES:
        fixes = [_fix(document, problem, form) for problem in params.context.diagnostics]
    automatic = params.context.trigger_kind == types.CodeActionTriggerKind.Automatic
    if automatic and params.range.start == params.range.end:
        return fixes
    possible = _possible(document, params.range)
    return fixes + [
        _code_action(document, params.range, action, form)
        for action in possible
        if is_wanted(action)
    ]


def with_command(action: types.CodeAction) -> types.CodeAction:
    """The action of a listing with what it does; one that has that already is left as it is."""
    found = meant(action)
    if found is not None and action.command is None:
        arguments = [action.data]
        action.command = types.Command(action.title, found[0].command, arguments=arguments)
    return action


def meant(action: types.CodeAction) -> tuple[Action, Target] | None:
    """Which action an entry of a listing stands for, and what it is about; None for a foreign one.

    Raises TypeError for what no listing of ours has held.
    """
    if not isinstance(action.data, Mapping):
        return None
    data = dict(action.data)
    known = _BY_COMMAND.get(str(data.get("command")))
    return None if known is None else (known, Target.of([data]))


def _possible(document: Document, span: types.Range) -> list[Action]:
    if document.language in prose_places.LANGUAGES:
        return [POLISH, EXPAND, SHORTEN, CONTINUE, TRANSLATE]
    lines, row = document.buffer.lines, cursor_row(span)
    line = lines[row] if row < len(lines) else ""
    actions = [EXPLAIN, DOCSTRING]
    if is_comment(line, document.language):
        actions.insert(0, COMMENT_TO_CODE)
    if not is_test(document.path):
        actions.append(WRITE_TEST)
    if _NAME.search(line):
        actions.append(SUGGEST_NAMES)
    return actions


def _fix(document: Document, problem: types.Diagnostic, form: Form) -> types.CodeAction:
    message = " ".join(str(problem.message).split())
    title = f"Fix: {message[:_MOST_TITLE]}{'…' if len(message) > _MOST_TITLE else ''}"
    action = _code_action(document, problem.range, replace(FIX, title=title), form, message)
    action.diagnostics = [problem]
    return action


def _code_action(
    document: Document, span: types.Range, action: Action, form: Form, problem: str = ""
) -> types.CodeAction:
    data: dict[str, object] = {
        "command": action.command,
        "uri": document.uri,
        "range": _CONVERTER.unstructure(span),
        "version": document.version,
    }
    if problem:
        data["problem"] = problem
    listed = types.CodeAction(action.title, kind=action.kind, data=data)
    if form is Form.COMMAND:
        with_command(listed)
        listed.data = None
    return listed


def _is_kind(kind: str, wanted: types.CodeActionKind | str) -> bool:
    name = wanted.value if isinstance(wanted, types.CodeActionKind) else wanted
    return not name or kind == name or kind.startswith(f"{name}.")
