"""The model to examine, the same as the one that is served, and which one it is exactly."""

import importlib.metadata
import platform
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assistant import __version__
from assistant.config import Activations, Quantization
from assistant.errors import AssistantError
from assistant.registry import LocalModel, locate
from assistant_eval import fingerprints

if TYPE_CHECKING:
    import torch

    from assistant.engine.load import LoadedModel
    from assistant.prompts import TextTokenizer

_WEIGHTS = ("*.safetensors",)
_CONFIG = ("config.json", "quantize_config.json")
_TOKENIZER = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json")
_VERSIONS = ("torch", "transformers", "tokenizers")


@dataclass(frozen=True)
class Examined:
    """A model on this machine, and how it is to be loaded. Nothing is loaded before it is asked."""

    local: LocalModel
    quantization: Quantization = "none"
    """How weights are loaded that are not quantized already."""
    activations: Activations = "int8"
    device: str = "auto"
    dtype: "torch.dtype | None" = None
    """What weights that are not quantized are computed with; None: as stored, as when served."""

    @cached_property
    def tokenizer(self) -> "TextTokenizer":
        """Its tokenizer. Raises ModelFolderError when it cannot be used."""
        from assistant.engine.renderers import load_text_tokenizer

        return load_text_tokenizer(self.local)

    @cached_property
    def context(self) -> int:
        """The tokens that it reads at most. Raises ModelFolderError when its folder is damaged."""
        from assistant.engine.load import context_of

        return context_of(self.local)

    def without_adapter(self) -> "Examined":
        """The base alone."""
        return replace(self, local=replace(self.local, adapter=None))

    def load(self) -> "LoadedModel":
        """The model, by the server's own loader. Raises as `load_model` does."""
        from assistant.engine.load import LoadOptions, load_model

        options = LoadOptions(
            self.device, self.quantization, activations=self.activations, dtype=self.dtype
        )
        return load_model(self.local, options)

    def options(self) -> list[str]:
        """The options of the command line that mean the same model, loaded in the same way."""
        local = self.local
        try:
            known = locate(local.name)
        except AssistantError:
            known = None
        by_name = known is not None and known.folder == local.folder
        found = ["--model", local.name if by_name else str(local.folder)]
        if local.adapter is not None and not (known and known.adapter == local.adapter):
            found += ["--adapter", str(local.adapter)]
        return [*found, "--quantization", self.quantization, "--device", self.device]

    def identity(self) -> dict[str, Any]:
        """Which model it is: names, fingerprints of all its files, and how it is loaded."""
        folder, adapter = self.local.folder, self.local.adapter
        return {
            "name": self.local.name,
            "weights_sha256": fingerprints.of_files(folder, *_WEIGHTS),
            "config_sha256": fingerprints.of_files(folder, *_CONFIG),
            "tokenizer_sha256": fingerprints.of_files(folder, *_TOKENIZER),
            "adapter": None if adapter is None else adapter.name,
            "adapter_sha256": None
            if adapter is None
            else fingerprints.of_files(adapter, "adapter_config.json", *_WEIGHTS),
            "quantization": self.quantization,
            "activations": self.activations,
            "device": self.device,
            "dtype": None if self.dtype is None else str(self.dtype).removeprefix("torch."),
            "context": self.context,
        }


def versions() -> dict[str, str]:
    """What it is computed by."""
    found = {name: importlib.metadata.version(name) for name in _VERSIONS}
    return {"assistant": __version__, "python": platform.python_version(), **found}
