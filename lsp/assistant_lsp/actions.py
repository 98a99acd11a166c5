"""The code actions: what is offered where. Offering costs nothing; `commands` does the work."""

from dataclasses import dataclass

from lsprotocol import converters, types

from assistant.prompts.tasks import Task
from assistant_lsp import prose
from assistant_lsp.code import comment_at
from assistant_lsp.documents import Document

_REWRITE = types.CodeActionKind.RefactorRewrite.value


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the assistant can do with a text."""

    task: Task
    command: str
    title: str
    kind: str
    work: str
    """What it is called while it is done."""


EXPLAIN = Action(
    Task.EXPLAIN, "assistant.explain", "Explain this code", "assistant.explain", "explaining"
)
COMMENT_TO_CODE = Action(
    Task.COMMENT_TO_CODE,
    "assistant.commentToCode",
    "Write the code for this comment",
    f"{_REWRITE}.assistant.commentToCode",
    "writing code",
)
POLISH = Action(
    Task.POLISH,
    "assistant.polish",
    "Polish this text",
    f"{_REWRITE}.assistant.polish",
    "polishing",
)
EXPAND = Action(
    Task.EXPAND,
    "assistant.expand",
    "Expand this text",
    f"{_REWRITE}.assistant.expand",
    "expanding",
)
CONTINUE = Action(
    Task.CONTINUE,
    "assistant.continue",
    "Continue this text",
    f"{_REWRITE}.assistant.continue",
    "writing on",
)
ACTIONS = (EXPLAIN, COMMENT_TO_CODE, POLISH, EXPAND, CONTINUE)


@dataclass(frozen=True, slots=True)
class Target:
    """What a command is to be done with; the version is the one that it was offered for."""

    uri: str
    range: types.Range
    version: int | None

    @classmethod
    def of(cls, arguments: object) -> "Target":
        """From a command's arguments. Raises TypeError."""
        match arguments:
            case [{"uri": str(uri), "range": dict(span), **others}]:
                version = others.get("version")
                if isinstance(version, int | None):
                    try:
                        return cls(uri, _CONVERTER.structure(span, types.Range), version)
                    except (ValueError, ExceptionGroup):
                        pass  # no range: as any other mistake
        raise TypeError("the argument is a table of uri, range and perhaps version")


_CONVERTER = converters.get_converter()


def offered(document: Document, params: types.CodeActionParams) -> list[types.CodeAction]:
    """The actions for a place. Those that nobody asked for are only offered on a selection."""
    automatic = params.context.trigger_kind == types.CodeActionTriggerKind.Automatic
    if automatic and params.range.start == params.range.end:
        return []
    wanted = params.context.only
    return [
        _code_action(document, params.range, action)
        for action in _possible(document, params.range)
        if wanted is None or any(_is_kind(action.kind, kind) for kind in wanted)
    ]


def cursor_row(span: types.Range) -> int:
    """The line that a selection ends in; one of whole lines ends at the begin of the next."""
    whole = span.end.character == 0 and span.end.line > span.start.line
    return span.end.line - 1 if whole else span.end.line


def _possible(document: Document, span: types.Range) -> list[Action]:
    if document.language in prose.LANGUAGES:
        return [POLISH, EXPAND, CONTINUE]
    comment = comment_at(document.buffer.lines, cursor_row(span), document.language)
    return [COMMENT_TO_CODE, EXPLAIN] if comment else [EXPLAIN]


def _code_action(document: Document, span: types.Range, action: Action) -> types.CodeAction:
    target = {
        "uri": document.uri,
        "range": _CONVERTER.unstructure(span),
        "version": document.version,
    }
    command = types.Command(action.title, action.command, arguments=[target])
    return types.CodeAction(action.title, kind=action.kind, command=command)


def _is_kind(kind: str, wanted: types.CodeActionKind | str) -> bool:
    name = wanted.value if isinstance(wanted, types.CodeActionKind) else wanted
    return not name or kind == name or kind.startswith(f"{name}.")
