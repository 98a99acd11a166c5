"""The code actions, and what one is about. `offering` says where they are, `commands` does them."""

from dataclasses import dataclass

from lsprotocol import converters, types

from assistant.prompts.tasks import Task

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
WRITE_TEST = Action(
    Task.TEST,
    "assistant.writeTest",
    "Write a test for this",
    f"{_REWRITE}.assistant.writeTest",
    "writing a test",
)
SUGGEST_NAMES = Action(
    Task.NAMES,
    "assistant.suggestNames",
    "Suggest better names for this",
    "assistant.suggestNames",
    "looking for names",
)
ACTIONS = (
    EXPLAIN,
    COMMENT_TO_CODE,
    DOCSTRING,
    FIX,
    WRITE_TEST,
    SUGGEST_NAMES,
    POLISH,
    EXPAND,
    CONTINUE,
    SHORTEN,
    TRANSLATE,
)
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


def cursor_row(span: types.Range) -> int:
    """The line that a selection ends in; one of whole lines ends at the begin of the next."""
    whole = span.end.character == 0 and span.end.line > span.start.line
    return span.end.line - 1 if whole else span.end.line
