"""The code actions: what is offered where. Offering costs nothing; `commands` does the work."""

from dataclasses import dataclass, replace

from lsprotocol import converters, types

from assistant.prompts.tasks import Task
from assistant_lsp import prose
from assistant_lsp.code import comment_at
from assistant_lsp.documenting import undocumented
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
SHORTEN = Action(
    Task.SHORTEN,
    "assistant.shorten",
    "Shorten this text",
    f"{_REWRITE}.assistant.shorten",
    "shortening",
)
TRANSLATE = Action(
    Task.TRANSLATE,
    "assistant.translate",
    "Translate between Chinese and English",
    f"{_REWRITE}.assistant.translate",
    "translating",
)
DOCSTRING = Action(
    Task.DOCSTRING,
    "assistant.document",
    "Document this definition",
    f"{_REWRITE}.assistant.document",
    "writing documentation",
)
FIX = Action(
    Task.FIX,
    "assistant.fix",
    "Fix this problem",
    f"{types.CodeActionKind.QuickFix.value}.assistant",
    "fixing",
)
ACTIONS = (
    EXPLAIN,
    COMMENT_TO_CODE,
    DOCSTRING,
    FIX,
    POLISH,
    EXPAND,
    CONTINUE,
    SHORTEN,
    TRANSLATE,
)
_MOST_TITLE = 60
_MOST_PROBLEM = 500
"""Characters of a diagnostic's message that say enough."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a command is to be done with; the version is the one that it was offered for."""

    uri: str
    range: types.Range
    version: int | None
    problem: str = ""
    """What is to be fixed."""

    @classmethod
    def of(cls, arguments: object) -> "Target":
        """From a command's arguments. Raises TypeError."""
        match arguments:
            case [{"uri": str(uri), "range": dict(span), **others}]:
                version, problem = others.get("version"), others.get("problem", "")
                if isinstance(version, int | None) and isinstance(problem, str):
                    try:
                        place = _CONVERTER.structure(span, types.Range)
                        return cls(uri, place, version, problem[:_MOST_PROBLEM])
                    except (ValueError, ExceptionGroup):
                        pass  # no range: as any other mistake
        raise TypeError("the argument is a table of uri, range and perhaps version and problem")


_CONVERTER = converters.get_converter()


def offered(document: Document, params: types.CodeActionParams) -> list[types.CodeAction]:
    """The actions for a place. Those that nobody asked for are only offered on a selection, and
    for problems."""
    wanted = params.context.only

    def is_wanted(action: Action) -> bool:
        return wanted is None or any(_is_kind(action.kind, kind) for kind in wanted)

    fixes = []
    if is_wanted(FIX) and document.language not in prose.LANGUAGES:
        fixes = [_fix(document, problem) for problem in params.context.diagnostics]
    automatic = params.context.trigger_kind == types.CodeActionTriggerKind.Automatic
    if automatic and params.range.start == params.range.end:
        return fixes
    possible = _possible(document, params.range)
    return fixes + [
        _code_action(document, params.range, action) for action in possible if is_wanted(action)
    ]


def cursor_row(span: types.Range) -> int:
    """The line that a selection ends in; one of whole lines ends at the begin of the next."""
    whole = span.end.character == 0 and span.end.line > span.start.line
    return span.end.line - 1 if whole else span.end.line


def _possible(document: Document, span: types.Range) -> list[Action]:
    if document.language in prose.LANGUAGES:
        return [POLISH, EXPAND, SHORTEN, CONTINUE, TRANSLATE]
    lines, row = document.buffer.lines, cursor_row(span)
    actions = [EXPLAIN]
    if comment_at(lines, row, document.language):
        actions.insert(0, COMMENT_TO_CODE)
    if undocumented(lines, row, document.language) is not None:
        actions.append(DOCSTRING)
    return actions


def _fix(document: Document, problem: types.Diagnostic) -> types.CodeAction:
    message = " ".join(str(problem.message).split())
    title = f"Fix: {message[:_MOST_TITLE]}{'…' if len(message) > _MOST_TITLE else ''}"
    action = _code_action(document, problem.range, replace(FIX, title=title), message)
    action.diagnostics = [problem]
    return action


def _code_action(
    document: Document, span: types.Range, action: Action, problem: str = ""
) -> types.CodeAction:
    target: dict[str, object] = {
        "uri": document.uri,
        "range": _CONVERTER.unstructure(span),
        "version": document.version,
    }
    if problem:
        target["problem"] = problem
    command = types.Command(action.title, action.command, arguments=[target])
    return types.CodeAction(action.title, kind=action.kind, command=command)


def _is_kind(kind: str, wanted: types.CodeActionKind | str) -> bool:
    name = wanted.value if isinstance(wanted, types.CodeActionKind) else wanted
    return not name or kind == name or kind.startswith(f"{name}.")
