"""The requests that are understood, and the ones that are refused rather than half obeyed."""

from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from assistant.messages import SamplingParams

MAX_STOPS = 4
MAX_CHOICES = 8
_LONGEST_CLIENT = 64

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
    "modalities": (["text"],),
    "presence_penalty": (0, 0.0),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
}


class Strict(BaseModel):
    """Fields that say what they are; unknown ones are refused, unless they ask for nothing."""

    model_config = ConfigDict(extra="allow", strict=True)

    @model_validator(mode="after")
    def _refuse_unsupported(self) -> "Strict":
        refused = [name for name, value in (self.model_extra or {}).items() if _asks(name, value)]
        if refused:
            names = ", ".join(sorted(refused))
            raise ValueError(f"not supported by this server: {names}")
        return self


class StreamOptions(Strict):
    """What a stream holds beside the answer."""

    include_usage: bool = False
    include_obfuscation: bool = False
    """Padding against eavesdroppers on a network; there is none, and so it adds nothing."""


class Sampling(Strict):
    """What requests of both kinds have in common. The defaults are the assistant's own.

    `priority` is this server's own: `batch` work is computed while nobody waits for anything.
    """

    model: str
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    n: int | None = Field(default=None, ge=1, le=MAX_CHOICES)
    user: str | None = None
    priority: Literal["batch"] | None = None

    @property
    def count(self) -> int:
        """How many answers are wanted."""
        return self.n or 1

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    def params(self, number: int = 0) -> SamplingParams:
        """How to sample the answer of that number. Raises UsageError that names all that is wrong.

        Where a seed is given, each answer has another one.
        """
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        chosen = {
            "max_tokens": self._limit(),
            "temperature": self.temperature,
            "top_p": self.top_p,
        }
        given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        return SamplingParams(
            **given,
            stop=tuple(stop),
            seed=None if self.seed is None else (self.seed + number + 2**63) % 2**64 - 2**63,
            top_logprobs=self._top_logprobs(),
            json_schema=self._json_schema(),
        )

    def client(self, request: Request) -> str:
        """Whose request it is, so that clients get equal shares of the engine.

        The person that the client names; or else what the client calls itself; or else its kind of
        program, so that a script that opens many connections is still one client.
        """
        headers = request.headers
        name = self.user or headers.get("x-client") or headers.get("user-agent") or ""
        return name[:_LONGEST_CLIENT]

    def _limit(self) -> int | None:
        return self.max_tokens

    def _top_logprobs(self) -> int | None:
        return None

    def _json_schema(self) -> str | None:
        return None

    @model_validator(mode="after")
    def _few_stops(self) -> "Sampling":
        if isinstance(self.stop, list) and len(self.stop) > MAX_STOPS:
            raise ValueError(f"stop may hold at most {MAX_STOPS} texts")
        return self


def _asks(name: str, value: Any) -> bool:
    """Whether a parameter that is not ours asks for something that would be left undone."""
    if value is None or name in _HARMLESS:
        return False
    # 0 equals False in Python, and `logprobs: 0` asks for something where false does not.
    return not any(
        type(value) is type(neutral) and value == neutral for neutral in _NEUTRAL.get(name, ())
    )
