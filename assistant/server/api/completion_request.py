"""The body of a request for the text at a cursor."""

from pydantic import model_validator

from assistant.messages import CompletionRequest
from assistant.server.api.fields import Sampling


class TextCompletion(Sampling):
    """The body of `/v1/completions`: what stands before a cursor, and after it.

    `language` and `path` are this server's own: the editor's name of the language, and the file.
    """

    prompt: str | list[str]
    suffix: str | None = None
    logprobs: int | None = None
    language: str | None = None
    path: str | None = None

    def request(self) -> CompletionRequest:
        """The same in the core's words."""
        prompt = self.prompt if isinstance(self.prompt, str) else self.prompt[0]
        return CompletionRequest(prompt, self.suffix or "", self.language or "", self.path or "")

    def _top_logprobs(self) -> int | None:
        return self.logprobs

    @model_validator(mode="after")
    def _one_prompt(self) -> "TextCompletion":
        if isinstance(self.prompt, list) and len(self.prompt) != 1:
            raise ValueError("prompt must be one text")
        return self
