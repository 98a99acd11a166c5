"""How strong an adapter may be before the base forgets what it knew.

An adapter's addition is multiplied by its alpha. Half of it keeps much of what was learned, and
loses far less of what was known before: the loss on other text grows about with the square of the
change. (Between old and new weights: Wortsman et al. 2022, "Robust fine-tuning of zero-shot
models", arXiv 2109.01903.)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from peft import set_peft_model_state_dict
from safetensors.torch import load_file

_PRECISION = 32
"""Alpha is found to this part of it."""


def strongest(loss: Callable[[int], float], alpha: int, most: float) -> int:
    """The largest alpha from 1 to `alpha` whose loss is `most` or less, if any but 1 is.

    The loss must not fall while alpha rises, where it is above `most`.
    """
    if loss(alpha) <= most:
        return alpha
    fits, fails = 1, alpha
    while fails - fits > max(1, alpha // _PRECISION):
        middle = (fits + fails) // 2
        if loss(middle) <= most:
            fits = middle
        else:
            fails = middle
    return fits


def fitting_alpha(trainer: Any, checkpoint: Path, rows: Any, alpha: int, share: float) -> int:
    """The alpha at which the adapter of a checkpoint raises the loss on `rows` by `share` at most.

    The trainer's model is left with that adapter, at another strength.
    """
    model = trainer.model
    set_peft_model_state_dict(model, load_file(checkpoint / "adapter_model.safetensors"))
    layers = [one.scaling for one in model.modules() if isinstance(_scaling(one), dict)]
    trained = [dict(scaling) for scaling in layers]

    def loss(chosen: int) -> float:
        for scaling, before in zip(layers, trained, strict=True):
            scaling.update({name: value * chosen / alpha for name, value in before.items()})
        return float(trainer.mean_loss(rows))

    with model.disable_adapter():
        base = float(trainer.mean_loss(rows))
    return strongest(loss, alpha, base * (1 + share))


def _scaling(module: Any) -> object:
    return getattr(module, "scaling", None)
