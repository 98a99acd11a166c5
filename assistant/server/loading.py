"""From the settings to a model that answers."""

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.client.record import ModelChoice
from assistant.engine.folder import check_adapter_folder, check_model_folder
from assistant.engine.threads import wait_briefly
from assistant.registry import locate
from assistant.server.engines import Card, Served
from assistant.server.priority import compute_in_long_turns

_NEVER_SERVED = ("scipy", "sklearn", "torchao")
"""What transformers imports where it is installed, for models that are never served here; others
than transformers may have it later. It would be a sixth of a server's start."""


class EngineLoader:
    """Loads models into the engine. Importing it is a part of the first load: it takes seconds."""

    def __init__(self, cache_gb: float | None = None) -> None:
        """`cache_gb` limits what each engine keeps of earlier requests; see `Settings`."""
        self._cache_bytes = None if cache_gb is None else int(cache_gb * 1e9)

    def check(self, choice: ModelChoice) -> None:
        """See `Loader`."""
        local = locate(choice.model, choice.adapter)
        check_model_folder(local.folder)
        if local.adapter is not None:
            check_adapter_folder(local.adapter)
        if choice.draft_model:
            check_model_folder(locate(choice.draft_model).folder)

    def load(self, choice: ModelChoice) -> Served:
        """See `Loader`."""
        wait_briefly()
        compute_in_long_turns()  # the engine's thread is started by this one
        with _imports():
            from assistant.engine.engine import Engine
            from assistant.engine.load import LoadOptions, load_model

        local = locate(choice.model, choice.adapter)
        options = LoadOptions(choice.device, choice.quantization, activations=choice.activations)
        loaded = load_model(local, options)
        draft = None
        if choice.draft_model:
            draft = load_model(
                locate(choice.draft_model),
                LoadOptions(choice.device, activations=choice.activations),
            )
        card = Card(
            name=loaded.name,
            context=loaded.context,
            wording=loaded.wording,
            chat=loaded.renderer.can_chat,
            fim=loaded.renderer.fim_format is not None,
            reads=loaded.renderer.reads,
            description=loaded.description.line(),
            adapter=Path(choice.adapter).name if choice.adapter else None,
        )
        return Served(Engine(loaded, cache_bytes=self._cache_bytes, draft=draft), card)

    def free(self) -> None:
        """See `Loader`."""
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        if torch is not None:
            from assistant.engine.memory import release_unused

            release_unused()


@contextmanager
def _imports() -> Iterator[None]:
    """Around the first import of large packages, whose objects stay as long as the process.

    Python would look through them for garbage again and again: meanwhile, which takes a third of
    the time, and later whenever it looks through everything, while somebody waits for an answer.
    """
    if "torch" in sys.modules:
        yield
        return
    gc.disable()
    try:
        with _hidden(_NEVER_SERVED):
            yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _hidden(packages: Iterable[str]) -> Iterator[None]:
    """Have packages look as if they were not installed, unless they are imported already."""
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]
