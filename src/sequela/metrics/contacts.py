"""Pairs of places told in an order, held against the true ones: how many of the first are right, row by row.

A row of L letters is judged by its first L/5, L/2 and L pairs, all of them or those of a range of distances along the sequence,
as contacts of proteins are at CASP (Ezkurdia 2009). Rows without a true pair tell nothing and are left out of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sequela.metrics.sums import ratio, total
from sequela.types import Array, Pairs

FAR = np.iinfo(np.int64).max
ALL = ""
RANGES: Mapping[str, tuple[int, int]] = {"short": (6, 11), "medium": (12, 23), "long": (24, FAR)}  # letters apart, both included
PARTS: Mapping[str, int] = {"precision_l5": 5, "precision_l2": 2, "precision_l": 1}  # metric -> what L is divided by


def right(said: Pairs, truth: Pairs) -> Array:
    """Which of the pairs said of N rows are true of the same row, bool "D"."""
    width = int(max(said.high.max(initial=0), truth.high.max(initial=0))) + 1
    told, true = ((one.row * width + one.low) * width + one.high for one in (said, truth))
    return np.isin(told, true)


def room(letters: int, least: int, most: int = FAR) -> int:
    """How many pairs of a sequence are `least` to `most` letters apart.

    >>> room(10, 6), room(10, 6, 7)
    (10, 7)
    """
    last = min(most, letters - 1)
    return max(0, (last - least + 1) * (2 * letters - least - last) // 2) if last >= least else 0


def asked(letters: int, part: int, there: int) -> int:
    """How many of a sequence's pairs are looked at: L/part, at least one, and no more than there are."""
    return min(max(1, letters // part), there)


def precision(right: Array, count: int) -> float:
    """The share of the first `count` pairs that are right (bool "D", the likeliest first); one that was not told is wrong.

    >>> precision(np.array([True, False, True]), 2), precision(np.array([True]), 4)
    (0.5, 0.25)
    """
    return float(right[:count].sum() / count)


def average_precision(right: Array, true: int) -> float:
    """The mean, over the true pairs, of the precision down to each; one that is not among those told adds 0.

    >>> average_precision(np.array([True, False, True]), 3)
    0.5555555555555555
    """
    place = np.flatnonzero(right) + 1
    return float((np.arange(1, len(place) + 1) / place).sum() / true)


def precision_l5(each: Array, weights: Array | None = None) -> Array:
    """The mean of `precision` at L/5 over the rows in which it is defined (not NaN)."""
    return _mean(each, weights)


def precision_l2(each: Array, weights: Array | None = None) -> Array:
    """The same at L/2."""
    return _mean(each, weights)


def precision_l(each: Array, weights: Array | None = None) -> Array:
    """The same at L."""
    return _mean(each, weights)


def contact_auprc(each: Array, weights: Array | None = None) -> Array:
    """The mean of `average_precision` over the rows in which it is defined."""
    return _mean(each, weights)


def _mean(each: Array, weights: Array | None) -> Array:
    defined = ~np.isnan(each)
    return ratio(total(np.where(defined, each, 0.0), weights), total(defined, weights))
