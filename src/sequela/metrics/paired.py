"""Two answers' decisions about the same rows: McNemar's test, and the difference of their net benefit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from sequela.metrics.sums import mean
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class McNemar:
    """Rows that one of two answers alone decides rightly."""

    first: int  # by the first alone
    second: int  # by the second alone
    p: float  # exact, two-sided: that both are as often right; rows taken as independent


def mcnemar(decision: Array, other: Array, event: Array) -> McNemar:
    """McNemar's test (1947), exact by the binomial distribution; decisions and event are bool "N" or classes.

    >>> mcnemar(np.array([1, 1, 1, 0]), np.array([0, 0, 0, 1]), np.array([1, 1, 1, 1]))
    McNemar(first=3, second=1, p=0.625)
    """
    right, right_too = decision == event, other == event
    first, second = int((right & ~right_too).sum()), int((~right & right_too).sum())
    p = min(1.0, 2 * float(binom.cdf(min(first, second), first + second, 0.5))) if first + second else 1.0
    return McNemar(first, second, p)


def net_benefit(risk: Array, event: Array, threshold: float, weights: Array | None = None) -> Array:
    """True positives less false positives times the odds of the threshold, a row (Vickers and Elkin 2006).

    >>> float(net_benefit(np.array([0.1, 0.6, 0.7]), np.array([False, True, False]), 0.2))
    0.25
    """
    odds = threshold / (1 - threshold)
    return mean(np.where(event, 1.0, -odds) * (risk >= threshold), weights)
