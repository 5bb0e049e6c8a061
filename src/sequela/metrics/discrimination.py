"""How well risks rank: events above non-events. Only the order of the risks matters.

`risk` is float "N" and `event` bool "N"; weights as in `sums`. Undefined (NaN) where there is no event, or nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.metrics.sums import ratio
from sequela.types import Array

EXACT = 1 << 22  # rows whose counts, four each in the mean at most, add up exactly in single precision


def auroc(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """The chance that an event has the higher risk than a non-event, a tie counting one half (Hanley and McNeil 1982).

    >>> float(auroc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])))
    0.875
    """
    return ranked(risk, event).auroc(weights)


def auprc(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """Average precision: the precision at each event's own risk, averaged over the events, without interpolation.

    A model that knows nothing gets the prevalence, not one half.

    >>> round(float(auprc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))), 4)
    0.8333
    """
    return ranked(risk, event).auprc(weights)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows in the order of falling risk, sorted once for any number of resamples. P events, O others."""

    events: Array  # int64 "P": rows, by falling risk
    others: Array  # int64 "O"
    above: Array  # int64 "P": how many others have a higher risk than the event
    upto: Array  # int64 "P": and how many a risk as high or higher
    events_upto: Array  # int64 "P": how many events have a risk as high or higher

    def auroc(self, weights: Array | None = None) -> Array:
        """As the function `auroc`."""
        return self.cumulated(weights).auroc()

    def auprc(self, weights: Array | None = None) -> Array:
        """As the function `auprc`."""
        return self.cumulated(weights).auprc()

    def cumulated(self, weights: Array | None = None) -> Cumulated:
        """What both are made of. Weights that are whole numbers may be integers of one byte, which is several times faster."""
        if weights is None:
            weights = np.ones(len(self.events) + len(self.others))
        counted = weights.dtype.kind == "u" and weights.shape[-1] < EXACT
        exact = np.float32 if counted else np.float64
        own = np.take(weights, self.events, -1).astype(exact)
        return Cumulated(self, own, _running(own, exact), _running(np.take(weights, self.others, -1), exact))


@dataclass(frozen=True, slots=True)
class Cumulated:
    """The running sums of weights down an order."""

    order: Ranked
    own: Array  # "... P": the events' weights
    events: Array  # "... P+1"
    others: Array  # "... O+1"

    def auroc(self) -> Array:
        """As the function of that name."""
        others = self.others[..., -1].astype(np.float64)
        above = np.take(self.others, self.order.above, -1)
        if (self.order.above != self.order.upto).any():
            above = (above.astype(np.float64) + np.take(self.others, self.order.upto, -1)) / 2
        events = self.events[..., -1].astype(np.float64)
        return ratio(_dot(self.own.astype(np.float64), others[..., None] - above), events * others)

    def auprc(self) -> Array:
        """As the function of that name."""
        events = self.events[..., -1].astype(np.float64)
        found = np.take(self.events, self.order.events_upto, -1)
        called = found + np.take(self.others, self.order.upto, -1)
        precision = found.astype(np.float64) / np.where(called > 0, called, 1)
        return ratio(_dot(self.own.astype(np.float64), precision), events * (self.others[..., -1] > 0))


def ranked(risk: Array, event: Array) -> Ranked:
    """The rows sorted, for `Ranked.auroc` and `Ranked.auprc` of many resamples."""
    risk, event = np.asarray(risk, np.float64), np.asarray(event, bool)
    order = np.argsort(-risk, kind="stable")
    happened = event[order]
    events, others = order[happened], order[~happened]
    falling, below = -risk[events], -risk[others]
    above, upto = np.searchsorted(below, falling, "left"), np.searchsorted(below, falling, "right")
    return Ranked(events, others, above, upto, np.searchsorted(falling, falling, "right"))


def _running(weights: Array, exact: type[np.floating[Any]]) -> Array:
    """Running sums with a leading 0: "... N" to "... N+1"."""
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1), exact)
    np.cumsum(weights, -1, dtype=exact, out=sums[..., 1:])
    return sums


def _dot(left: Array, right: Array) -> Array:
    product: Array = np.einsum("...p,...p->...", left, right)
    return product
