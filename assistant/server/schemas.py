"""The requests that are understood, and the ones that are refused rather than half obeyed."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from assistant.messages import (
    CompletionRequest,
    Conversation,
    Message,
    Role,
    SamplingParams,
)

MAX_STOPS = 4

# Parameters that change nothing about the answer of a server that keeps nothing.
_HARMLESS = frozenset(
    {
        "metadata",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
# Parameters that are not supported, with the values that ask for nothing.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "best_of": (1,),
    "echo": (False,),
    "frequency_penalty": (0, 0.0),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "presence_penalty": (0, 0.0),
    "response_format": ({"type": "text"},),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    @model_validator(mode="after")
    def _refuse_unsupported(self) -> "_Strict":
        refused = [name for name, value in (self.model_extra or {}).items() if _asks(name, value)]
        if refused:
            names = ", ".join(sorted(refused))
            raise ValueError(f"not supported by this server: {names}")
        return self


class StreamOptions(_Strict):
    """What a stream holds beside the answer."""

    include_usage: bool = False
    include_obfuscation: bool = False
    """Padding against eavesdroppers on a network; there is none, and so it adds nothing."""


class Sampling(_Strict):
    """What requests of both kinds have in common. The defaults are the assistant's own."""

    model: str
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)

    def params(self) -> SamplingParams:
        """The same in the engine's words. Raises UsageError that names all that is wrong."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        chosen = {
            "max_tokens": self._limit(),
            "temperature": self.temperature,
            "top_p": self.top_p,
        }
        given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        return SamplingParams(**given, stop=tuple(stop), seed=self.seed)

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    def _limit(self) -> int | None:
        return self.max_tokens

    @model_validator(mode="after")
    def _few_stops(self) -> "Sampling":
        if isinstance(self.stop, list) and len(self.stop) > MAX_STOPS:
            raise ValueError(f"stop may hold at most {MAX_STOPS} texts")
        return self


class ChatMessage(_Strict):
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


class ChatCompletion(Sampling):
    """The body of `/v1/chat/completions`.

    Where the last message is the assistant's, the answer continues it.
    """

    messages: list[ChatMessage]
    max_completion_tokens: int | None = None

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

    @model_validator(mode="after")
    def _one_limit(self) -> "ChatCompletion":
        limits = {self.max_tokens, self.max_completion_tokens} - {None}
        if len(limits) > 1:
            raise ValueError("max_tokens and max_completion_tokens differ: send one of them")
        return self


class TextCompletion(Sampling):
    """The body of `/v1/completions`: what stands before a cursor, and after it.

    `language` and `path` are this server's own: the editor's name of the language, and the file.
    """

    prompt: str | list[str]
    suffix: str | None = None
    language: str | None = None
    path: str | None = None

    def request(self) -> CompletionRequest:
        """The same in the core's words."""
        prompt = self.prompt if isinstance(self.prompt, str) else self.prompt[0]
        return CompletionRequest(prompt, self.suffix or "", self.language or "", self.path or "")

    @model_validator(mode="after")
    def _one_prompt(self) -> "TextCompletion":
        if isinstance(self.prompt, list) and len(self.prompt) != 1:
            raise ValueError("prompt must be one text")
        return self


def _text_of(part: Any) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case _:
            raise ValueError("only parts of type text are understood")


def _asks(name: str, value: Any) -> bool:
    """Whether a parameter that is not ours asks for something that would be left undone."""
    if value is None or name in _HARMLESS:
        return False
    # 0 equals False in Python, and `logprobs: 0` asks for something where false does not.
    return not any(
        type(value) is type(neutral) and value == neutral for neutral in _NEUTRAL.get(name, ())
    )
