"""The body of a request for the text at a cursor."""

from pydantic import Field, model_validator

from assistant.messages import CompletionRequest, Snippet
from assistant.server.api.fields import Sampling, Strict


class ContextPiece(Strict):
    """A piece of another file, which the model is to read first."""

    path: str
    text: str


class TextCompletion(Sampling):
    """The body of `/v1/completions`: what stands before a cursor, and after it.

    `language`, `path`, `context` and `project` are this server's own: the editor's name of the
    language, the file, pieces of other files and the project's folder.
    """

    prompt: str | list[str]
    suffix: str | None = None
    logprobs: int | None = None
    language: str | None = None
    path: str | None = None
    context: list[ContextPiece] = Field(default_factory=list)
    project: str | None = None

    def request(self) -> CompletionRequest:
        """The same in the core's words."""
        prompt = self.prompt if isinstance(self.prompt, str) else self.prompt[0]
        return CompletionRequest(
            prefix=prompt,
            suffix=self.suffix or "",
            language=self.language or "",
            path=self.path or "",
            context=tuple(Snippet(piece.path, piece.text) for piece in self.context),
            project=self.project or "",
        )

    def _top_logprobs(self) -> int | None:
        return self.logprobs

    @model_validator(mode="after")
    def _one_prompt(self) -> "TextCompletion":
        if isinstance(self.prompt, list) and len(self.prompt) != 1:
            raise ValueError("prompt must be one text")
        return self
