"""How good forecasts of several columns are: errors, pinball loss, and whether intervals hold what they promise.

`value` and `truth` are float "N K", `known` bool "N K" says which entries count (every one alike); weights are of the N rows, as
in `sums`. NaN where nothing is known.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import ratio, total
from sequela.types import Array


def mae(value: Array, truth: Array, known: Array, weights: Array | None = None) -> Array:
    """The mean absolute error, in the unit of the target."""
    return _mean(np.abs(value - truth), known, weights)


def rmse(value: Array, truth: Array, known: Array, weights: Array | None = None) -> Array:
    """The root of the mean squared error, in the unit of the target."""
    root: Array = np.sqrt(_mean(np.square(value - truth), known, weights))
    return root


def mase(value: Array, truth: Array, known: Array, step: Array, weights: Array | None = None) -> Array:
    """The mean absolute error in units of `step` "K": below 1 is better than one naive step was in training (see `naive_step`).

    Hyndman and Koehler 2006, International Journal of Forecasting 22, section 3.
    """
    return _mean(np.abs(value - truth) / step, known, weights)


def naive_step(truth: Array, known: Array) -> float:
    """The mean absolute change from one known column to the known one after it, within rows; NaN where there is none.

    Of the training rows it is the error of the naive forecast of one step within series: what `mase` is measured in.
    """
    pairs = known[:, 1:] & known[:, :-1]
    change = np.abs(np.diff(np.where(known, truth, 0.0), axis=1))
    return float(ratio(change[pairs].sum(), np.asarray(pairs.sum())))


def pinball(quantiles: Array, levels: tuple[float, ...], truth: Array, known: Array, weights: Array | None = None) -> Array:
    """The pinball loss of quantiles "N K Q", the mean over the levels (Koenker and Bassett 1978): the lower the better.

    At level 0.5 alone it is half the mean absolute error.
    """
    short, level = truth[:, :, None] - quantiles, np.array(levels)
    return _mean(np.maximum(level * short, (level - 1) * short).mean(2), known, weights)


def coverage(low: Array, high: Array, truth: Array, known: Array, weights: Array | None = None) -> Array:
    """The share of the truth that lies between the ends of its interval, both included."""
    return _mean((low <= truth) & (truth <= high), known, weights)


def interval_width(low: Array, high: Array, known: Array, weights: Array | None = None) -> Array:
    """The mean width of the intervals, in the unit of the target."""
    return _mean(high - low, known, weights)


def _mean(entries: Array, known: Array, weights: Array | None) -> Array:
    """Over the known entries."""
    return ratio(total(np.where(known, entries, 0.0).sum(1), weights), total(known.sum(1), weights))
