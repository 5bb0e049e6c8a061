"""Rows that were watched for a while, in the order of time: how many are at risk at each time, and how many left then.

Weights as in `sums`. A row is at risk at a time t where entry < t <= time, so that one that came under observation late
(left truncation) counts from then on alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from sequela.types import Array, Times

T = TypeVar("T")


class Latest:
    """What was made of the last weights, kept: many numbers of the same resamples are asked for one after the other."""

    def __init__(self) -> None:
        self._weights: Array | None = None
        self._made: dict[Hashable, Any] = {}

    def __call__(self, key: Hashable, make: Callable[[Array], T], weights: Array) -> T:
        """make(weights), made once for each key for as long as the same array of many resamples is asked about."""
        if weights.ndim == 1:
            return make(weights)
        if weights is not self._weights:
            self._weights, self._made = weights, {}
        if key not in self._made:
            self._made[key] = make(weights)
        made: T = self._made[key]
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """Rows sorted once for any number of resamples: N rows, U distinct times at which somebody's observation ended."""

    of: Times
    times: Array  # float64 "U": days, rising
    order: Array | None  # int64 "N": the rows by rising time, without an event last among equals; None: as they are
    first: Array  # int64 "U": where each time begins in that order
    entered: Array | None  # int64 "N": the rows by rising entry; None: nobody came late
    latest: Latest = field(default_factory=Latest)

    def at_risk(self, weights: Array | None = None) -> Array:
        """Weight of the rows under observation just before each time, "... U"."""
        weights = self.weights(weights)
        return self.outlasting(self.times, self.first, weights)

    def outlasting(self, days: Array, past: Array, weights: Array) -> Array:
        """Weight of the rows under observation before each of these days, less the first `past` in the order of time: "... Q"."""
        ended = self.latest("ended", lambda w: running(taken(w, self.order)), weights)
        if self.entered is None:
            return np.asarray(ended[..., -1:] - ended[..., past])
        inside = self.latest("inside", lambda w: running(taken(w, self.entered)), weights)
        return np.asarray(inside[..., np.searchsorted(self.of.entry[self.entered], days)] - ended[..., past])

    def left(self, which: Array, weights: Array | None = None) -> Array:
        """Weight of these rows (bool "N") whose observation ended at each time, "... U"."""
        weights = self.weights(weights)
        if not len(self.times):
            return np.zeros((*weights.shape[:-1], 0))
        return np.add.reduceat(taken(weights, self.order) * taken(which, self.order), self.first, -1)

    def weights(self, weights: Array | None) -> Array:
        """As given; None: every row once."""
        return np.ones(len(self.of)) if weights is None else weights


def watch(times: Times, latest: Latest | None = None) -> Watched:
    """The rows in the order of time. Rows that are in it already are quicker to resample; see `by_time`."""
    order = by_time(times)
    distinct, first = np.unique(times.time[order], return_index=True)
    given = None if (np.diff(order) == 1).all() else order
    entered = np.argsort(times.entry, kind="stable") if (times.entry > 0).any() else None
    return Watched(times, distinct, given, first, entered, latest or Latest())


def by_time(times: Times) -> Array:
    """The rows by rising time, int64 "N": those with an event before those that were lost at the same time."""
    return np.lexsort((times.cause == 0, times.time))


def taken(values: Array, order: Array | None) -> Array:
    """Along the last axis in this order; None: as they are."""
    return values if order is None else np.take(values, order, -1)


def running(weights: Array) -> Array:
    """Running sums with a leading 0: "... N" to "... N+1"."""
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1))
    np.cumsum(weights, -1, out=sums[..., 1:])
    return sums
