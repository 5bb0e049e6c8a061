"""Sums over rows, with or without weights: what nearly every metric is made of.

Weights are "N", or "R N" for R resamples at once: then a metric gives one value for each. None means that every row counts once.
"""

from __future__ import annotations

import numpy as np

from sequela.types import Array


def total(values: Array, weights: Array | None) -> Array:
    """The weighted sum over rows of "N" or "N k": "" or "k", with R in front where weights have it."""
    values = np.asarray(values, np.float64)
    summed: Array = values.sum(0) if weights is None else weights @ values
    return summed


def count(rows: Array, weights: Array | None) -> Array:
    """The total weight of the rows."""
    return np.asarray(float(len(rows))) if weights is None else weights.sum(-1)


def ratio(part: Array, whole: Array) -> Array:
    """part / whole, NaN where whole is 0: an undefined value is never a zero."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    quotient: Array = np.divide(part, whole, out=np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan), where=whole != 0)
    return quotient[()]


def mean(values: Array, weights: Array | None) -> Array:
    """The weighted mean over rows; NaN where there is no weight."""
    return ratio(total(values, weights), count(values, weights))
