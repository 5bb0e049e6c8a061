"""How well codes are foreseen, from sums over each row's codes: `count` float "N", and what those codes have in all, "N".

Weights as in `sums`. A code counts once, whichever row it stands in.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import ratio, total
from sequela.types import Array


def perplexity(nats: Array, count: Array, weights: Array | None = None) -> Array:
    """The exponential of the mean negative log-probability of a code: 1 is certain, K is a guess among K (Jelinek 1977).

    >>> round(float(perplexity(np.array([np.log(8.0), 0.0]), np.array([2.0, 1.0]))), 6)
    2.0
    """
    return np.asarray(np.exp(_each(nats, count, weights)))


def next_accuracy(first: Array, count: Array, weights: Array | None = None) -> Array:
    """The share of codes that were thought the likeliest.

    >>> float(next_accuracy(np.array([1.0, 2.0]), np.array([2.0, 4.0])))
    0.5
    """
    return _each(first, count, weights)


def next_in_10(in_10: Array, count: Array, weights: Array | None = None) -> Array:
    """The share of codes that were among the ten likeliest."""
    return _each(in_10, count, weights)


def _each(part: Array, count: Array, weights: Array | None) -> Array:
    """What a code has in the mean; NaN where there are no codes."""
    return ratio(total(part, weights), total(count, weights))
