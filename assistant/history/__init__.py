"""The record of use: what was suggested and what became of it, and what was said in chats.

One SQLite file of the user's.
"""

from assistant.history.chat_rows import Attachment, Chat, ChatChoice, Turn, title_of
from assistant.history.chats import Chats
from assistant.history.consent import Consent
from assistant.history.database import DamagedHistoryError, HistoryError, history_file
from assistant.history.rows import OUTCOMES, Choice, Fate, Outcome, Suggestion
from assistant.history.store import History
from assistant.history.turn_tree import TurnTree
from assistant.history.writer import Writer

__all__ = [
    "OUTCOMES",
    "Attachment",
    "Chat",
    "ChatChoice",
    "Chats",
    "Choice",
    "Consent",
    "DamagedHistoryError",
    "Fate",
    "History",
    "HistoryError",
    "Outcome",
    "Suggestion",
    "Turn",
    "TurnTree",
    "Writer",
    "history_file",
    "title_of",
]
