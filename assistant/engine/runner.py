"""A pass through the model: new tokens of one or several texts in, logits out."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from transformers import DynamicCache

from assistant.engine.attention import use_packed_attention
from assistant.engine.decoder import Decoder
from assistant.engine.kv_cache import new_cache
from assistant.engine.lora import AdapterHooks
from assistant.engine.parts import Interrupt, Part


class Runner(Protocol):
    """What computes. The one required method is `forward`."""

    together: bool
    """Whether several texts in one pass cost less than one after another."""

    def new_cache(self) -> DynamicCache:
        """The keys and values of a text that begins."""

    def forward(
        self, parts: Sequence[Part], interrupt: Interrupt | None = None
    ) -> list[torch.Tensor]:
        """The logits of each part, `[keep, vocabulary]`.

        Raises Interrupted when `interrupt` says so between two layers, where it can be asked there.
        """


def make_runner(model: Any) -> Runner:
    """The fastest runner for a transformers model in evaluation mode."""
    decoder = Decoder.of(model)
    return TransformersRunner(model) if decoder is None else decoder


class TransformersRunner:
    """Any model that transformers knows, by its own forward pass, one text after another."""

    together = False

    def __init__(self, model: Any) -> None:
        """`model` is a transformers model for causal language modelling, in evaluation mode."""
        use_packed_attention(model)
        self._model = model
        self._adapters = AdapterHooks(model)

    def new_cache(self) -> DynamicCache:
        """See `Runner`."""
        return new_cache(self._model.config)

    @torch.inference_mode()
    def forward(
        self, parts: Sequence[Part], interrupt: Interrupt | None = None
    ) -> list[torch.Tensor]:
        """See `Runner`. Its layers are not ours to look between."""
        return [self._forward(part) for part in parts]

    def _forward(self, part: Part) -> torch.Tensor:
        device = self._model.device
        inputs: dict[str, Any] = {
            "input_ids": torch.tensor([part.ids], dtype=torch.long, device=device),
            "past_key_values": part.cache,
            "use_cache": True,
        }
        with self._adapters.using(part.adapter):
            if part.keep == 0:
                # Without the head: for large vocabularies it costs as much as several layers.
                self._model.base_model(**inputs)
                return torch.empty(0, self._model.config.vocab_size, device=device)
            logits: torch.Tensor = self._model(**inputs, logits_to_keep=part.keep).logits
        return logits[0, -part.keep :]
