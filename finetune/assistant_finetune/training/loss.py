"""The loss on a CPU: logits of the positions that are learned, and of no others.

TRL's own computes those of all positions where it has no kernel for Triton, and in code and chats
most are only read.
"""

import functools
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from assistant.prompts import IGNORED
from assistant_finetune.fitting.activations import TOGETHER

_SCALES = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")


def is_plain_head(model: Any) -> bool:
    """Whether logits are the last states times the head's matrix, and nothing more."""
    config = model.config.get_text_config()
    return all(getattr(config, name, None) in (None, 1, 1.0) for name in _SCALES)


def add_learned_losses(model: Any) -> None:
    """Have a model's forward compute `learned_losses` where it is given weights.

    The forward is where mixed precision begins and where processes that train together meet: both
    wrap it, and what is computed beside it is computed without them.
    """
    original = model.forward

    @functools.wraps(original)
    def forward(*args: Any, weights: Any = None, labels: Any = None, **kwargs: Any) -> Any:
        if weights is None:
            return original(*args, labels=labels, **kwargs)
        kwargs.pop("use_cache", None)
        return learned_losses(model, kwargs, labels, weights)

    model.forward = forward


def learned_losses(
    model: Any, inputs: dict[str, Any], labels: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted sum of the losses of all learned tokens, and how many there are.

    `model` is one for causal language, with its adapter inside; `inputs` are those of its backbone,
    `labels` and `weights` `[rows, tokens]`, not shifted.
    """
    states = model.base_model(**inputs, use_cache=False).last_hidden_state[:, :-1]
    learned = labels[:, 1:] != IGNORED
    chosen, targets = states[learned], labels[:, 1:][learned]
    counts = weights[:, 1:][learned]
    head = model.get_output_embeddings()
    # With nothing to learn the sum is 0, and still has a gradient: none.
    total = states.sum() * 0.0 if len(targets) == 0 else torch.zeros((), device=states.device)
    together = max(1, TOGETHER // model.config.get_text_config().vocab_size)
    for start in range(0, len(targets), together):
        part = slice(start, start + together)
        total = total + checkpoint(
            _loss, head, chosen[part], targets[part], counts[part], use_reentrant=False
        )
    return total, learned.sum()


def _loss(
    head: Any, states: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    losses = cross_entropy(head(states).float(), targets, reduction="none")
    return (losses * weights).sum()
