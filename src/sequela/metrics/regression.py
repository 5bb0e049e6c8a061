"""How far values are from the truth, in the unit of the target. `value` and `truth` are float "N"; weights as in `sums`."""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import mean, ratio, total
from sequela.types import Array


def mae(value: Array, truth: Array, weights: Array | None = None) -> Array:
    """The mean absolute error.

    >>> float(mae(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    1.0
    """
    return mean(np.abs(value - truth), weights)


def mse(value: Array, truth: Array, weights: Array | None = None) -> Array:
    """The mean squared error, in the square of the unit.

    >>> float(mse(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    return mean(np.square(value - truth), weights)


def rmse(value: Array, truth: Array, weights: Array | None = None) -> Array:
    """The root of the mean squared error: large misses weigh more than in `mae`."""
    root: Array = np.sqrt(mse(value, truth, weights))
    return root


def r2(value: Array, truth: Array, weights: Array | None = None) -> Array:
    """The share of the truth's variance that is explained: 1 is perfect, 0 the mean of the truth, below 0 worse than that.

    NaN where the truth is constant.
    """
    centred = truth - np.mean(truth)  # for the digits: the variance below is a difference of two sums
    spread = total(np.square(centred), weights) - ratio(np.square(total(centred, weights)), total(np.ones(len(truth)), weights))
    return 1 - ratio(total(np.square(value - truth), weights), np.where(spread > 1e-12, spread, 0))


def mase(value: Array, truth: Array, naive: Array, weights: Array | None = None) -> Array:
    """The mean absolute error over that of a naive forecast of the same rows (the last value): below 1 is better than it.

    As Hyndman and Koehler 2006, but the naive error is measured on the rows that are judged, not on those of training.
    """
    return ratio(mae(value, truth, weights), mae(naive, truth, weights))
