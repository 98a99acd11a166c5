"""The user's settings: `config.toml`, overridden by `ASSISTANT_*` variables of the environment."""

from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from assistant.errors import UsageError
from assistant.paths import config_file

Quantization = Literal["none", "int4", "nf4"]
"""`int4` is for the CPU; `nf4`, that of bitsandbytes, for CUDA and for comparing with it."""

Activations = Literal["int8", "bf16"]
"""What inputs of layers with 4-bit weights are rounded to on a CPU that has a kernel for both."""

FimChoice = Literal["codellama", "starcoder", "starcoder2", "deepseek", "qwen", "starter", "none"]


class Settings(BaseSettings):
    """What the user chose; every field has a default that works."""

    model_config = SettingsConfigDict(env_prefix="ASSISTANT_", extra="ignore")

    model: str = "starter"
    """A registry name, such as `vicuna-13b`, or the path of a model's folder."""
    adapter: str | None = None
    """The folder of a LoRA adapter for the model."""
    quantization: Quantization = "none"
    """How to load weights that are not quantized already."""
    activations: Activations = "int8"
    """What a CPU computes with between 4-bit weights: `bf16` is more exact, and slower."""
    draft_model: str | None = None
    """A small model of the same vocabulary that guesses tokens for the large one to check."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for the best one there is."""
    server_url: str | None = None
    """Another OpenAI-compatible server to use, such as `http://127.0.0.1:8000/v1`."""
    api_key: str | None = None
    """The key for `server_url`, where it wants one."""
    fim_format: FimChoice | None = None
    """How the model behind `server_url` was taught to fill in, where its name doesn't tell."""
    gguf_converter: str | None = None
    """Where llama.cpp's `convert_hf_to_gguf.py` is, for `assistant adapters export --to gguf`."""
    record: bool = True
    """Whether suggestions and what became of them are recorded, on this machine alone."""
    context: bool = True
    """Whether a completion may be given pieces of a project's other files to read."""
    instructions: dict[str, str] = {}
    """What else to do with a text, by name: `friendly = "Say it in a friendlier way."`"""
    keys: dict[str, str] = {}
    """Keys of the terminal interface by the name of what they do, such as `polish = "f5"`."""
    idle_minutes: float = Field(default=30.0, ge=0)
    """A server that was started by a front end ends after so long without a request; 0: never."""
    cache_gb: float | None = Field(default=None, ge=0)
    """Memory for what was read before, in 10^9 bytes; unset: a quarter of what is free."""
    max_queue: int = Field(default=128, ge=0)
    """Answers that a server makes or lets wait at once, before it refuses more; 0: no limit."""
    request_minutes: float = Field(default=60.0, ge=0)
    """How long a request to a server may take in all, waiting included; 0: no limit."""


def load_settings() -> Settings:
    """The settings in force. Raises UsageError that names every setting that is wrong."""

    class FromFile(Settings):
        """The settings, with the file that is the user's right now."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
            return init_settings, env_settings, file

    try:
        return FromFile()
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise UsageError(f"settings in {config_file()} or ASSISTANT_*: {problems}") from error
    except (SettingsError, ValueError) as error:
        raise UsageError(f"{config_file()} cannot be read: {error}") from error
