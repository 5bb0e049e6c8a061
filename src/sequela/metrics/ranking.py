"""What stands first, of many labels or classes that are ranked by their risk.

`risk` is float "N K"; `true` and `known` are bool "N K". Entries of one risk share the places that they have together, so the
order of the columns never decides. Weights as in `sums`.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.discrimination import ranked
from sequela.metrics.sums import ratio, total
from sequela.types import Array

SLICE = 4_000_000  # weights of entries held at once


def each_precision(risk: Array, true: Array, known: Array, first: int) -> Array:
    """Of each row the share of its `first` likeliest labels that are true, float "N"; NaN where fewer are known of it.

    >>> each_precision(np.array([[0.9, 0.1, 0.5]]), np.array([[True, True, False]]), np.full((1, 3), True), 2).tolist()
    [0.5]
    """
    share = _places(np.where(known, risk, -np.inf), first)
    found: Array = np.where(known.sum(1) >= first, (share * (true & known)).sum(1) / first, np.nan)
    return found


def each_hit(probability: Array, truth: Array, first: int) -> Array:
    """Of each row whether its class, int "N", is among the `first` likeliest: 1 or 0; a part where it shares a place."""
    hit: Array = _places(probability, first)[np.arange(len(truth)), truth]
    return hit


def _places(risk: Array, first: int) -> Array:
    """How much of the first so many places each entry has, float "N K": 1, 0, or between them where it shares some."""
    last = np.partition(risk, -first, axis=1)[:, -first, None]
    above, tied = risk > last, risk == last
    left = first - above.sum(1, keepdims=True)
    return np.where(above, 1.0, np.where(tied, left / tied.sum(1, keepdims=True), 0.0))


def p_at_5(each: Array, weights: Array | None = None) -> Array:
    """The mean of `each_precision` of 5 labels over the rows in which it is defined (Mullenbach 2018, section 4.4)."""
    return _defined(each, weights)


def p_at_8(each: Array, weights: Array | None = None) -> Array:
    """The same of 8 labels."""
    return _defined(each, weights)


def _defined(each: Array, weights: Array | None) -> Array:
    defined = ~np.isnan(each)
    return ratio(total(np.where(defined, each, 0.0), weights), total(defined, weights))


def top3_accuracy(hit: Array, weights: Array | None = None) -> Array:
    """The share of rows whose class is among the three likeliest, from `each_hit`."""
    return _defined(hit, weights)


def micro_auroc(risk: Array, true: Array, known: Array, weights: Array | None = None) -> Array:
    """The chance that a true label of any row has a higher risk than a false label of any row, a tie counting one half.

    >>> all_known = np.full((2, 2), True)
    >>> float(micro_auroc(np.array([[0.9, 0.2], [0.8, 0.1]]), np.array([[True, False], [False, True]]), all_known))
    0.5
    """
    row = np.nonzero(known)[0]
    order = ranked(risk[known], true[known])
    if weights is None:
        return order.auroc()
    several = np.atleast_2d(weights)
    size = max(1, SLICE // max(len(row), 1))
    parts = [order.auroc(several[begin : begin + size][:, row]) for begin in range(0, len(several), size)]
    return np.concatenate(parts).reshape(weights.shape[:-1])
