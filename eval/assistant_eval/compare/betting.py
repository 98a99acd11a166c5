"""Bounds that hold however often one looks, so that one may stop whenever the answer is clear.

Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting", Journal of
the Royal Statistical Society B 86: 1-27 (arXiv 2010.09686), for sampling without replacement
(their section 5). For every value that the mean could have somebody bets, at fair odds, against
that value; whoever has got rich was betting against what is not so. By Ville's inequality somebody
who bets against the truth ever multiplies his money by 1/alpha with probability alpha at most.
"""

import math

import numpy as np

_STEPS = 4_000
"""Values that are held possible, evenly from -1 to 1."""
_ALPHA = 0.05
"""The level that stakes are best for; bounds hold at every level."""
_MOST = 0.5
"""Of his money that somebody may lose in one bet, when it goes as badly as it can."""


class Betting:
    """What is known of the mean difference over a whole exam, from some of it in random order."""

    def __init__(self, population: int) -> None:
        """`population` is the number of questions in the whole exam."""
        self._population = population
        self._means = np.linspace(0, 1, _STEPS + 1)
        """Of what is seen, which is moved from [-1, 1] to [0, 1]."""
        self._above = np.zeros_like(self._means)
        """The logarithms of what those have who bet that the mean is greater."""
        self._below = np.zeros_like(self._means)
        self._count = 0
        self._sum = 0.0
        self._squares = 0.25
        """Of distances from the mean as it was known before; begun as if one had been 1/2."""

    def see(self, difference: float) -> None:
        """Take the next question's difference, from -1 to 1."""
        value = (difference + 1) / 2
        left = self._population - self._count
        if left < 1:
            raise ValueError(f"there are only {self._population} questions")
        # What the mean of those that are left would be, for each mean of all.
        rest = np.clip((self._population * self._means - self._sum) / left, 0, 1)
        stake = self._stake()
        with np.errstate(divide="ignore"):
            self._above += np.log1p(np.minimum(stake, _MOST / rest) * (value - rest))
            self._below += np.log1p(np.minimum(stake, _MOST / (1 - rest)) * (rest - value))
        self._note(value)

    def lower(self, alpha: float) -> float:
        """The mean difference is at least this, but for a probability of `alpha`."""
        possible = np.flatnonzero(self._above < math.log(1 / alpha))
        # One value further: nobody bet against what lies between two.
        place = max(int(possible[0]) - 1, 0) if len(possible) else _STEPS
        worst = self._sum / self._population
        return 2 * max(float(self._means[place]), worst) - 1

    def upper(self, alpha: float) -> float:
        """The mean difference is at most this, but for a probability of `alpha`."""
        possible = np.flatnonzero(self._below < math.log(1 / alpha))
        place = min(int(possible[-1]) + 1, _STEPS) if len(possible) else 0
        best = (self._sum + self._population - self._count) / self._population
        return 2 * min(float(self._means[place]), best) - 1

    def _stake(self) -> float:
        """How much is bet: more, the less the values differ, and ever less (equation 26)."""
        variance, time = self._squares / (self._count + 1), self._count + 1
        return math.sqrt(2 * math.log(2 / _ALPHA) / (variance * time * math.log(1 + time)))

    def _note(self, value: float) -> None:
        self._count += 1
        self._sum += value
        self._squares += (value - (self._sum + 0.5) / (self._count + 1)) ** 2
