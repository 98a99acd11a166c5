"""The adapters of one engine: loaded when a request first names them, freed when they are gone."""

import asyncio

from assistant import registry
from assistant.errors import ModelNotFoundError
from assistant.registry import LocalAdapter
from assistant.server.apart import apart
from assistant.server.engines import Answering


class Adapters:
    """What of the adapters folder is in an engine.

    In the engine an adapter is called by its name and the state of its file: one that was trained
    anew is another one, so that nothing computed with the old weights serves the new.
    """

    def __init__(self, engine: Answering) -> None:
        """`engine` may have adapters of its own, which stay."""
        self._engine = engine
        self._loaded: dict[str, LocalAdapter] = {}
        self._loading = asyncio.Lock()

    async def use(self, adapter: LocalAdapter) -> str:
        """The engine's name of an adapter, which is loaded now.

        Raises ModelFolderError when it is damaged or for another base model.
        """
        name = _engine_name(adapter)
        async with self._loading:
            self.drop_stale()
            if name not in self._loaded:
                await apart(lambda: self._engine.add_adapter(name, adapter.folder), "adapter")
                self._loaded[name] = adapter
        return name

    def has(self, adapter: LocalAdapter) -> bool:
        """Whether it is loaded as it stands in its folder now."""
        return _engine_name(adapter) in self._loaded

    def drop_stale(self) -> None:
        """Free the adapters whose folder is gone or holds another one by now."""
        for name, adapter in list(self._loaded.items()):
            if not _is_current(name, adapter):
                del self._loaded[name]
                self._engine.remove_adapter(name)


def _engine_name(adapter: LocalAdapter) -> str:
    try:
        state = (adapter.folder / "adapter_model.safetensors").stat()
    except OSError:
        return f"{adapter.name}@"
    return f"{adapter.name}@{state.st_mtime_ns}-{state.st_size}"


def _is_current(name: str, adapter: LocalAdapter) -> bool:
    try:
        return _engine_name(registry.adapter_named(adapter.name)) == name
    except ModelNotFoundError:
        return False
