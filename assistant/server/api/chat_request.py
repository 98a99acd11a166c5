"""The body of a request for an answer in a conversation."""

import json
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from assistant.messages import Conversation, Message, Role
from assistant.server.api.fields import Sampling, Strict


class ChatMessage(Strict):
    """One turn of a conversation. A content in parts becomes one text."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str

    @field_validator("content", mode="before")
    @classmethod
    def _join_parts(cls, content: Any) -> Any:
        if not isinstance(content, list):
            return content
        texts = [_text_of(part) for part in content]
        return "".join(texts)


class NamedSchema(Strict):
    """A JSON schema as OpenAI's API wraps it. It is followed strictly, whatever `strict` says."""

    name: str
    rules: dict[str, Any] = Field(alias="schema")
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(Strict):
    """What form the answer is to have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None

    def schema_text(self) -> str | None:
        """The JSON schema that the answer follows, as JSON; None for any text."""
        if self.type == "json_object":
            return '{"type": "object"}'
        return None if self.json_schema is None else json.dumps(self.json_schema.rules)

    @model_validator(mode="after")
    def _with_its_schema(self) -> "ResponseFormat":
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError("json_schema belongs to the type json_schema, and to no other")
        return self


class ChatCompletion(Sampling):
    """The body of `/v1/chat/completions`.

    Where the last message is the assistant's, the answer continues it.
    """

    messages: list[ChatMessage]
    max_completion_tokens: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: ResponseFormat | None = None

    def conversation(self) -> Conversation:
        """The same in the core's words. Raises PromptError when it is none.

        Several instructions at the start (some clients send a system's and a developer's) become
        one system message.
        """
        turns: list[Message] = []
        instructions: list[str] = []
        for message in self.messages:
            role: Role = "system" if message.role == "developer" else message.role
            if role == "system" and not turns:
                instructions.append(message.content)
            else:
                turns.append(Message(role, message.content))
        first = [Message("system", "\n\n".join(instructions))] if instructions else []
        return Conversation((*first, *turns))

    def _limit(self) -> int | None:
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    def _top_logprobs(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None

    def _json_schema(self) -> str | None:
        return None if self.response_format is None else self.response_format.schema_text()

    @model_validator(mode="after")
    def _agreeing(self) -> "ChatCompletion":
        limits = {self.max_tokens, self.max_completion_tokens} - {None}
        if len(limits) > 1:
            raise ValueError("max_tokens and max_completion_tokens differ: send one of them")
        if self.top_logprobs and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs to be true")
        return self


def _text_of(part: Any) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case _:
            raise ValueError("only parts of type text are understood")
