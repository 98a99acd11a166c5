"""From the settings to a model that answers."""

import os

from assistant.client.record import ModelChoice
from assistant.server.serving import Loader, Served


def loader_of(choice: ModelChoice) -> Loader:
    """What loads the model of `choice`. Importing the engine is a part of it: it takes seconds."""

    def load() -> Served:
        # OpenMP's threads spin while they wait for each other. Where anything else computes on the
        # same cores, as beside an editor it does, that costs a small model ten times its speed.
        # OpenMP reads this once, when PyTorch is imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

        from assistant.engine.engine import Engine
        from assistant.engine.load import LoadOptions, load_model
        from assistant.registry import locate

        local = locate(choice.model, choice.adapter)
        options = LoadOptions(device=choice.device, quantization=choice.quantization)
        loaded = load_model(local, options)
        return Served(
            engine=Engine(loaded),
            name=loaded.name,
            context=loaded.context,
            wording=loaded.wording,
            chat=loaded.renderer.can_chat,
            fim=loaded.renderer.fim_format is not None,
            description=loaded.description.line(),
        )

    return load
