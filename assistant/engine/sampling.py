"""How the next token is chosen."""

import torch

from assistant.messages import SamplingParams

_NUCLEUS = 1024
"""Candidates that are sorted first; hardly any nucleus is larger, and vocabularies are."""


class Sampler:
    """Chooses tokens for one answer.

    Random choices are made on the CPU from a generator of the answer's own, so that the same seed
    gives the same text whatever else the process or the device does.
    """

    def __init__(self, params: SamplingParams) -> None:
        # Float32 knows no smaller divisor that leaves the logits apart.
        self._temperature = max(params.temperature, 1e-6)
        self._top_p = params.top_p
        self._generator: torch.Generator | None = None
        if params.temperature > 0:
            self._generator = torch.Generator()
            if params.seed is None:
                self._generator.seed()
            else:
                # Any integer is a seed; torch takes 64 bits.
                self._generator.manual_seed(params.seed % 2**63)

    def choose(self, logits: torch.Tensor) -> int:
        """The next token's id. `logits` has one entry for each token of the vocabulary."""
        if self._generator is None:
            return _greatest(logits)
        logits = logits.float().cpu()
        probabilities = torch.softmax((logits - logits.max()) / self._temperature, dim=-1)
        if self._top_p >= 1.0:
            return int(torch.multinomial(probabilities, 1, generator=self._generator))
        likeliest, ids = _nucleus(probabilities, self._top_p)
        return int(ids[torch.multinomial(likeliest, 1, generator=self._generator)])


def _greatest(logits: torch.Tensor) -> int:
    """The first of the greatest."""
    if logits.device.type != "cpu":
        return int(logits.argmax())
    # PyTorch's search through bfloat16 goes number by number, and takes a tenth of a small model's
    # time for a token.
    return int(logits.float().numpy().argmax())


def _nucleus(probabilities: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The fewest tokens that together reach `top_p`, likeliest first: probabilities and ids."""
    size = min(_NUCLEUS, len(probabilities))
    likeliest, ids = probabilities.topk(size)
    if float(likeliest.sum()) < top_p:
        likeliest, ids = probabilities.sort(descending=True, stable=True)
    before = likeliest.cumsum(0) - likeliest
    kept = before < top_p
    kept[0] = True
    return likeliest[kept], ids[kept]
