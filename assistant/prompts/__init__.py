"""The one renderer: conversations and completion requests become token ids here and nowhere else.

`renderer.Renderer` is the door. Behind it, `chat_formats` and `fim_formats` say as data how each
family of models was taught to read, `tasks` what is said to the model for each task, `chat`, `fim`
and `template` turn requests into segments, and `encoding` turns segments into ids and labels.
"""

from assistant.prompts.chat_formats import CHAT_FORMATS, TEMPLATE, ChatFormat
from assistant.prompts.encoding import IGNORED, Encoded
from assistant.prompts.fim_formats import FIM_FORMATS, FimFormat
from assistant.prompts.renderer import Prompt, Renderer
from assistant.prompts.tasks import Task, Wording, ask, clean_answer
from assistant.prompts.tokenizer import TextTokenizer

__all__ = [
    "CHAT_FORMATS",
    "FIM_FORMATS",
    "IGNORED",
    "TEMPLATE",
    "ChatFormat",
    "Encoded",
    "FimFormat",
    "Prompt",
    "Renderer",
    "Task",
    "TextTokenizer",
    "Wording",
    "ask",
    "clean_answer",
]
