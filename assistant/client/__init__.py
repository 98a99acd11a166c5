"""A front end's way to a model: finds or starts the model server, and talks to it.

Light to import: the `openai` package is loaded with the first connection, a model never.
"""

from assistant.client.answer import AnswerStream
from assistant.client.connection import ModelCard
from assistant.client.model_client import ModelClient
from assistant.client.pace import Pace

__all__ = ["AnswerStream", "ModelCard", "ModelClient", "Pace"]
