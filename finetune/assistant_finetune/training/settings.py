"""Everything that a training run can be told, its defaults, and what is wrong with it."""

import difflib
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from assistant.errors import UsageError
from assistant.registry import ADAPTER_NAME

Method = Literal["qlora", "lora", "full"]
"""`qlora`: an adapter on 4-bit weights; `lora`: on 16-bit weights; `full`: all weights."""
Schedule = Literal["constant", "linear", "cosine"]
Optimizer = Literal["adamw", "adamw-8bit"]
Precision = Literal["bf16", "fp32"]
EPOCHS = 3.0
"""Where nobody says how many."""


class Settings(BaseModel):
    """What a run is told. None is chosen when the model and the machine are known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    base: str = "starter"
    """A model's name or folder."""
    data: tuple[str, ...] = ()
    """Files, folders, data sets or `history`, as `assistant data` reads them."""
    name: str | None = None
    """What the adapter will be called; None: after the base and the data."""
    method: Method | None = None

    learn: Literal["answers", "last", "all"] = "answers"
    max_length: int | None = Field(default=None, ge=32)
    """Tokens of the longest sample, and of a row."""
    packing: bool = True
    """Short samples together in rows, none seeing another."""
    scrub: bool = True
    """Replace secrets and personal data before anything is learned."""
    held_out: float = Field(default=0.05, ge=0, le=0.5)
    """The share of the examples that is never trained on, only measured."""
    replay: float = Field(default=0.0, ge=0, le=0.9)
    """The share of Python's standard library in what is learned of code, so that what the base
    knew of other code is not forgotten."""
    forgetting: float = Field(default=0.0, ge=0, lt=1)
    """An adapter trained on code is weakened until the loss on such code that was kept back is at
    most by this share above the base's. 0: it stays as it was trained."""

    epochs: float | None = Field(default=None, gt=0)
    """None: three, or fewer where a small base would take more than some minutes for them."""
    max_steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=16, ge=1)
    """Rows that make one step."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Rows that are computed at once; the others of a step follow one after the other."""
    learning_rate: float | None = Field(default=None, gt=0, lt=1)
    schedule: Schedule = "linear"
    warmup: float = Field(default=0.03, ge=0, lt=1)
    """The share of the steps in which the learning rate rises."""
    weight_decay: float = Field(default=0.0, ge=0)
    adam_beta2: float = Field(default=0.999, gt=0, lt=1)
    max_grad_norm: float = Field(default=1.0, ge=0)
    """0 leaves gradients as they are."""
    optimizer: Optimizer | None = None
    seed: int = Field(default=0, ge=0)

    rank: int | None = Field(default=None, ge=1)
    alpha: int | None = Field(default=None, ge=1)
    """None: as much as the rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: tuple[str, ...] = ()
    """Names of linear layers such as q_proj; none: all of them."""
    rslora: bool = False
    dora: bool = False
    neftune: float = Field(default=0.0, ge=0)
    """Noise added to the embeddings while training (NEFTune's alpha); 0: none."""

    precision: Precision = "bf16"
    adapter_precision: Precision | None = None
    unpacked: bool | None = None
    """On a CPU: unpack 4-bit weights into 16 bits once, instead of for each product."""
    checkpointing: bool | None = None
    """Compute activations a second time instead of keeping them."""
    offload: bool = False
    """Keep activations in the computer's memory instead of the GPU's; on a CPU they are there."""

    evaluate_every: int | None = Field(default=None, ge=1)
    """Steps between measurements on what is held out, and between checkpoints."""
    patience: int = Field(default=0, ge=0)
    """End after so many measurements that were no better than the best; 0: never."""

    @field_validator("data", "targets", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """TOML has lists; one name alone is a list of one."""
        if isinstance(value, str):
            return (value,)
        return tuple(value) if isinstance(value, list) else value

    @field_validator("epochs", "learning_rate", "max_grad_norm", "neftune", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return float(value) if type(value) is int else value

    @field_validator("name")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if value is not None and not ADAPTER_NAME.fullmatch(value):
            raise ValueError("letters, digits, dots, dashes and underscores alone")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        micro = self.micro_batch_size
        if micro is not None and self.batch_size % micro:
            raise ValueError(f"micro_batch_size {micro} must divide batch_size {self.batch_size}")
        if self.method == "full" and (self.dora or self.rslora or self.targets or self.rank):
            raise ValueError("rank, targets, rslora and dora are of adapters: method full has none")
        return self

    def accumulation(self, processes: int = 1) -> int:
        """Micro-batches of a step that each process computes, once their size is known."""
        return self.batch_size // processes // (self.micro_batch_size or 1)

    def with_changes(self, **changes: Any) -> "Settings":
        """The same with other values, checked like all others."""
        return check({**self.model_dump(), **changes}, "settings")


def check(fields: Mapping[str, Any], origin: str) -> Settings:
    """Settings of what was written. Raises UsageError that names all that is wrong, each once."""
    try:
        return Settings.model_validate(dict(fields))
    except ValidationError as error:
        problems = "; ".join(
            _problem(one["type"], one["loc"], one["msg"]) for one in error.errors()
        )
        raise UsageError(f"{origin}: {problems}") from error


def _problem(kind: str, place: tuple[int | str, ...], message: str) -> str:
    name = str(place[0]) if place else ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        return f"{name} is unknown" + (f", did you mean {near[0]}?" if near else "")
    text = message.removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    return f"{name}: {text}" if name else text
