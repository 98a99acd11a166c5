"""The record of use: what was suggested, and what became of it. One SQLite file of the user's."""

from assistant.history.consent import Consent
from assistant.history.rows import OUTCOMES, Choice, Fate, Outcome, Suggestion
from assistant.history.store import DamagedHistoryError, History, HistoryError, history_file

__all__ = [
    "OUTCOMES",
    "Choice",
    "Consent",
    "DamagedHistoryError",
    "Fate",
    "History",
    "HistoryError",
    "Outcome",
    "Suggestion",
    "history_file",
]
