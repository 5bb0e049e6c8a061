"""How far probabilities are from what happened.

Binary: `risk` float "N" and `event` bool "N". Several classes: probabilities "N K" and the true class as one-hot bool "N K".
Weights as in `sums`.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import count, mean, ratio, total
from sequela.types import Array

SMALLEST = float(np.finfo(np.float64).eps)  # a probability of 0 costs log(SMALLEST), not infinity, as in scikit-learn


def brier(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """The mean squared distance of risk from outcome: 0 is perfect, 0.25 is a coin (Brier 1950).

    With several classes the squares are summed over them, as Brier had it: 0 to 2.

    >>> float(brier(np.array([1.0, 0.5]), np.array([True, False])))
    0.125
    """
    squares = np.square(np.asarray(risk) - event)
    return mean(squares if squares.ndim == 1 else squares.sum(1), weights)


def log_loss(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """The mean negative log of the probability given to what happened, in nats.

    >>> round(float(log_loss(np.array([0.8, 0.5]), np.array([True, False]))), 6)
    0.458145
    """
    given = np.where(event, risk, 1 - np.asarray(risk)) if np.ndim(risk) == 1 else np.sum(np.asarray(risk) * event, 1)
    return mean(-np.log(np.clip(given, SMALLEST, 1)), weights)


def ece(risk: Array, event: Array, weights: Array | None = None, bins: int = 10) -> Array:
    """Expected calibration error: the mean gap between risk and outcome over bins of equal width, weighed by their rows.

    It is never 0 on finite data and depends on the bins: read it beside the calibration curve (Naeini 2015).
    """
    place = np.minimum((np.asarray(risk) * bins).astype(np.int64), bins - 1)
    gap = np.zeros((len(place), bins))
    gap[np.arange(len(place)), place] = np.asarray(risk) - event
    return ratio(np.abs(total(gap, weights)).sum(-1), count(place, weights))
