"""The loss on a CPU: logits of the positions that are learned, and of no others.

TRL's own computes those of all positions where it has no kernel for Triton, and in code and chats
most are only read. Logits are never kept: their gradient is computed with them and is multiplied
into that of the states at once, so backwards nothing of it is done again (the idea is that of
Liger's fused cross-entropy, arXiv:2410.10989).
"""

import functools
from typing import Any

import torch

from assistant.prompts import IGNORED
from assistant_finetune.fitting.activations import logits_together

_SCALES = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
# Whose methods have no type annotations.
_Function: Any = torch.autograd.Function


def is_plain_head(model: Any) -> bool:
    """Whether logits are the last states times the head's matrix, and nothing more."""
    config, head = model.config.get_text_config(), model.get_output_embeddings()
    plain = type(head) is torch.nn.Linear and head.bias is None
    return plain and all(getattr(config, name, None) in (None, 1, 1.0) for name in _SCALES)


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
    matrix = model.get_output_embeddings().weight
    # As any product would be computed here: in 16 bits, where the trainer asks for it.
    if torch.is_autocast_enabled("cpu"):
        matrix = matrix.to(torch.get_autocast_dtype("cpu"))
    if not torch.is_grad_enabled():
        matrix = matrix.detach()  # on the way forward nobody is told otherwise
    chosen = states[learned].to(matrix.dtype)
    total = _Losses.apply(chosen, matrix, labels[:, 1:][learned], weights[:, 1:][learned])
    return total, learned.sum()


class _Losses(_Function):  # type: ignore[misc]
    """The weighted sum of cross-entropies, with its gradients made on the way forward."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        matrix: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,
    ) -> torch.Tensor:
        """`states` `[positions, hidden]`, `matrix` `[vocabulary, hidden]`, others `[positions]`."""
        for_states, for_matrix = ctx.needs_input_grad[:2]
        to_states = torch.empty_like(states) if for_states else None
        to_matrix = torch.zeros_like(matrix, dtype=torch.float32) if for_matrix else None
        total = torch.zeros(())
        together = logits_together(len(matrix))
        with torch.autocast("cpu", enabled=False):
            for start in range(0, len(targets), together):
                part = slice(start, start + together)
                losses, gradient = _loss(states[part] @ matrix.t(), targets[part])
                total += losses @ weights[part]
                factors = weights[part, None].to(states.dtype)
                if to_states is not None:
                    to_states[part] = (gradient @ matrix).mul_(factors)
                if to_matrix is not None:
                    to_matrix += gradient.t() @ (states[part] * factors)
        ctx.save_for_backward(to_states, to_matrix)
        ctx.dtypes = states.dtype, matrix.dtype
        return total

    @staticmethod
    def backward(ctx: Any, factor: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """What was made, times the gradient of the sum."""
        made = zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        found = [None if one is None else (one * factor).to(dtype) for one, dtype in made]
        return (*found, None, None)


def _loss(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The losses of some positions, and the gradient of each for its logits."""
    places = torch.arange(len(targets))
    likely = torch.softmax(logits.float(), dim=-1)
    losses = -likely[places, targets].clamp(min=torch.finfo(likely.dtype).tiny).log()
    likely[places, targets] -= 1
    return losses, likely.to(logits.dtype)
