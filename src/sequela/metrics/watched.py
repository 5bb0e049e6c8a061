"""Rows that were watched for a while, in the order of time: how many are at risk at each time, and how many left then.

Weights as in `sums`. A row is at risk at a time t where entry < t <= time, so that one that came under observation late
(left truncation) counts from then on alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.types import Array, Times


@dataclass(frozen=True, slots=True)
class Watched:
    """Rows sorted once for any number of resamples: N rows, U distinct times at which somebody's observation ended."""

    of: Times
    times: Array  # float64 "U": days, rising
    order: Array  # int64 "N": the rows by rising time, those without an event last among equals
    first: Array  # int64 "U": where each time begins in that order
    entered: Array  # int64 "N": the rows by rising entry
    come: Array  # int64 "U": how many of them had entered before each time

    def at_risk(self, weights: Array | None = None) -> Array:
        """Weight of the rows under observation just before each time, "... U"."""
        weights = everybody(len(self.of)) if weights is None else weights
        entered, left = (running(np.take(weights, order, -1)) for order in (self.entered, self.order))
        return np.asarray(entered[..., self.come] - left[..., self.first])

    def left(self, which: Array, weights: Array | None = None) -> Array:
        """Weight of these rows (bool "N") whose observation ended at each time, "... U"."""
        weights = everybody(len(self.of)) if weights is None else weights
        if not len(self.times):
            return np.zeros((*weights.shape[:-1], 0))
        return np.add.reduceat(np.take(weights, self.order, -1) * which[self.order], self.first, -1)


def watch(times: Times) -> Watched:
    """The rows in the order of time."""
    order = np.lexsort((times.cause == 0, times.time))
    distinct, first = np.unique(times.time[order], return_index=True)
    entered = np.argsort(times.entry, kind="stable")
    return Watched(times, distinct, order, first, entered, np.searchsorted(times.entry[entered], distinct))


def everybody(rows: int) -> Array:
    """Every row once."""
    return np.ones(rows)


def running(weights: Array) -> Array:
    """Running sums with a leading 0: "... N" to "... N+1"."""
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1))
    np.cumsum(weights, -1, out=sums[..., 1:])
    return sums
