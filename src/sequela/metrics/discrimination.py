"""How well risks rank: events above non-events. Only the order of the risks matters.

`risk` is float "N" and `event` bool "N"; weights as in `sums`. Undefined (NaN) where there is no event, or nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.metrics.sums import ratio
from sequela.types import Array


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
    """Rows in the order of falling risk, sorted once for any number of resamples. N rows, P events."""

    order: Array  # int64 "N"
    place: Array  # int64 "P": where the events stand in that order
    first: Array  # int64 "P": how many rows have a higher risk than the event
    past: Array  # int64 "P": and how many a risk as high or higher
    events_first: Array  # int64 "P": the same of events alone
    events_past: Array

    def auroc(self, weights: Array | None = None) -> Array:
        """As the function `auroc`."""
        own, rows, events = self._cumulated(weights)
        above = rows[..., self.first] - events[..., self.events_first] + rows[..., self.past] - events[..., self.events_past]
        others = rows[..., -1] - events[..., -1]  # `above` counts each non-event with a higher risk twice, each tied one once
        return ratio(_dot(own, others[..., None] - above / 2), events[..., -1] * others)

    def auprc(self, weights: Array | None = None) -> Array:
        """As the function `auprc`."""
        own, rows, events = self._cumulated(weights)
        called = rows[..., self.past]
        precision = events[..., self.events_past] / np.where(called > 0, called, 1)
        return ratio(_dot(own, precision), events[..., -1] * (rows[..., -1] > events[..., -1]))

    def _cumulated(self, weights: Array | None) -> tuple[Array, Array, Array]:
        """The events' own weights "... P", and the running sums of all rows "... N+1" and of the events "... P+1"."""
        weights = np.ones(len(self.order)) if weights is None else weights
        falling = np.take(weights, self.order, -1)
        own = np.take(falling, self.place, -1)
        return own, _cumulative(falling), _cumulative(own)


def ranked(risk: Array, event: Array) -> Ranked:
    """The rows sorted, for `Ranked.auroc` and `Ranked.auprc` of many resamples."""
    risk = np.asarray(risk, np.float64)
    order = np.argsort(-risk, kind="stable")
    happened = np.asarray(event, bool)[order]
    place = np.flatnonzero(happened)
    first, past = (bound[place] for bound in _ties(risk[order]))
    events_above = np.concatenate([[0], np.cumsum(happened)])  # rows above -> events above
    return Ranked(order, place, first, past, events_above[first], events_above[past])


def _ties(falling: Array) -> tuple[Array, Array]:
    """For each row, how many rows come before its run of equal risks, and how many with it."""
    starts = np.flatnonzero(np.diff(falling, prepend=np.inf)) if len(falling) else np.zeros(0, np.int64)
    lengths = np.diff(starts, append=len(falling))
    return np.repeat(starts, lengths), np.repeat(starts + lengths, lengths)


def _cumulative(weights: Array) -> Array:
    """Running sums with a leading 0: "... N" to "... N+1"."""
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1))
    np.cumsum(weights, -1, out=sums[..., 1:])
    return sums


def _dot(left: Array, right: Array) -> Array:
    product: Array = np.einsum("...p,...p->...", left, right)
    return product
