"""What decisions are worth: of those called positive, and of those who were.

`decision` and `event` are bool "N" (for several classes: the class decided and the true class, integers "N"); weights as in
`sums`. NaN where the denominator is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.metrics.sums import mean, ratio, total
from sequela.types import Array


def accuracy(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """The share of decisions that are right; it says little where events are rare."""
    return mean(decision == event, weights)


def balanced_accuracy(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """The mean over the true classes of the share found; one half (1 / classes) is chance. NaN where there is one class only."""
    classes = np.unique(event)
    if len(classes) < 2:
        return np.full(np.shape(weights)[:-1] if weights is not None else (), np.nan)[()]
    found: Array = np.mean([sensitivity(decision == each, event == each, weights) for each in classes], 0)
    return found


def sensitivity(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """The share of events that were called (recall)."""
    return ratio(total(decision & event, weights), total(event, weights))


def specificity(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """The share of non-events that were not called."""
    return sensitivity(~decision, ~event, weights)


def ppv(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """The share of calls that were events (precision)."""
    return ratio(total(decision & event, weights), total(decision, weights))


def npv(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """The share of those not called who had no event."""
    return ppv(~decision, ~event, weights)


def f1(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """The harmonic mean of sensitivity and PPV; NaN where nothing was called and nothing happened."""
    both = total(decision & event, weights)
    return ratio(2 * both, total(decision, weights) + total(event, weights))


def macro_f1(decision: Array, truth: Array, weights: Array | None = None, classes: Sequence[int] | None = None) -> Array:
    """The mean of F1 over the classes: those given, or all that are decided or true somewhere.

    >>> float(macro_f1(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])))
    0.7777777777777777
    """
    chosen = np.union1d(decision, truth) if classes is None else classes
    each: Array = np.mean([f1(decision == one, truth == one, weights) for one in chosen], 0)
    return each


def lr_positive(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """How much more often an event is called than a non-event: a call multiplies the odds by this."""
    return ratio(sensitivity(decision, event, weights), 1 - specificity(decision, event, weights))


def lr_negative(decision: Array, event: Array, weights: Array | None = None) -> Array:
    """How much more often an event is missed than a non-event is passed: no call multiplies the odds by this."""
    return ratio(1 - sensitivity(decision, event, weights), specificity(decision, event, weights))
