"""The keys of the user's settings: what they may be called, and what they are for Textual."""

from collections.abc import Mapping

from textual.binding import Binding

from assistant.errors import UsageError


def keymap(chosen: Mapping[str, str]) -> dict[str, str]:
    """The keys by the names of what they do. Raises UsageError that lists every wrong name."""
    if not chosen:
        return {}  # without a look into all rooms
    known = names()
    wrong = sorted(set(chosen) - known)
    if wrong:
        raise UsageError(
            f"keys in the settings: {', '.join(wrong)} is nothing that a key does;"
            f" there are {', '.join(sorted(known))}"
        )
    return dict(chosen)


def names() -> set[str]:
    """The name of everything that has a key of its own."""
    from assistant_tui.app import AssistantApp
    from assistant_tui.chat.chat_list import ChatList
    from assistant_tui.chat.composer import QuestionText
    from assistant_tui.chat.screen import ChatScreen
    from assistant_tui.chat.turn_view import TurnView
    from assistant_tui.evaluation.forms import Form
    from assistant_tui.evaluation.run_list import RunList
    from assistant_tui.evaluation.screen import EvaluationScreen
    from assistant_tui.evaluation.starting import StartingScreen
    from assistant_tui.models.detail import AdapterRows, Detail
    from assistant_tui.models.model_list import ModelRows
    from assistant_tui.models.screen import ModelsScreen
    from assistant_tui.notes.editor import NoteEditor
    from assistant_tui.notes.review import Review
    from assistant_tui.notes.screen import NotesScreen
    from assistant_tui.notes.tree import NoteTree
    from assistant_tui.training.run_form import RunForm
    from assistant_tui.training.samples import SamplesView
    from assistant_tui.training.screen import TrainingScreen

    notes = (NotesScreen, NoteTree, NoteEditor, Review)
    chat = (ChatScreen, ChatList, TurnView, QuestionText)
    models = (ModelsScreen, ModelRows, Detail, AdapterRows)
    training = (TrainingScreen, RunForm, SamplesView)
    evaluation = (EvaluationScreen, StartingScreen, RunList, Form)
    bindings = [
        one
        for holder in (AssistantApp, *notes, *chat, *models, *training, *evaluation)
        for one in holder.BINDINGS
        if isinstance(one, Binding)
    ]
    return {one.id for one in bindings if one.id is not None}
