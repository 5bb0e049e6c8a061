"""How well risks rank: events above non-events. Only the order of the risks matters.

`risk` is float "N" and `event` bool "N"; weights as in `sums`. Undefined (NaN) where there is no event, or nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

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
        """What both are made of."""
        if weights is None:
            weights = np.ones(len(self.events) + len(self.others))
        own = np.take(weights, self.events, -1).astype(np.float64)
        return Cumulated(self, own, _running(own), _running(np.take(weights, self.others, -1)))


@dataclass(frozen=True, slots=True)
class Cumulated:
    """The running sums of weights down an order."""

    order: Ranked
    own: Array  # "... P": the events' weights
    events: Array  # "... P+1"
    others: Array  # "... O+1"

    def auroc(self) -> Array:
        """As the function of that name."""
        others, events = self.others[..., -1], self.events[..., -1]
        above = (np.take(self.others, self.order.above, -1) + np.take(self.others, self.order.upto, -1)) / 2
        return ratio(_dot(self.own, others[..., None] - above), events * others)

    def auprc(self) -> Array:
        """As the function of that name."""
        found = np.take(self.events, self.order.events_upto, -1)
        called = found + np.take(self.others, self.order.upto, -1)
        precision = found / np.where(called > 0, called, 1)
        return ratio(_dot(self.own, precision), self.events[..., -1] * (self.others[..., -1] > 0))


def ranked(risk: Array, event: Array) -> Ranked:
    """The rows sorted, for `Ranked.auroc` and `Ranked.auprc` of many resamples."""
    risk, event = np.asarray(risk, np.float64), np.asarray(event, bool)
    order = np.argsort(-risk, kind="stable")
    happened = event[order]
    events, others = order[happened], order[~happened]
    falling, below = -risk[events], -risk[others]
    above, upto = np.searchsorted(below, falling, "left"), np.searchsorted(below, falling, "right")
    return Ranked(events, others, above, upto, np.searchsorted(falling, falling, "right"))


def _running(weights: Array) -> Array:
    """Running sums with a leading 0: "... N" to "... N+1"."""
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1))
    np.cumsum(weights, -1, out=sums[..., 1:])
    return sums


def _dot(left: Array, right: Array) -> Array:
    product: Array = np.einsum("...p,...p->...", left, right)
    return product


# ------------------------------------------------------------------------------------- many resamples, by counts of subjects


@dataclass(frozen=True, slots=True)
class Steps:
    """The order gathered to the distinct risks of its events, D of them, falling: only these are passed for each resample.

    Sparse matrices whose product with how often each of U subjects counts, int32 "U R", are the counts at each step.
    """

    events: Any  # csr "D U": events of the risk
    others: Any  # csr "D+1 U": others of a risk below the step before, down to this one's; the last are below every event
    tied: Any  # csr "D U": of these the ones of the very risk; None where there are none

    def at(self, counts: Array) -> Counted:
        """What AUROC and AUPRC of resamples are made of."""
        upto = np.cumsum(self.others @ counts, 0, dtype=np.int32)
        reached, others = upto[:-1], upto[-1]
        above = reached if self.tied is None else reached - self.tied @ counts
        return Counted(self.events @ counts, above, reached, others)


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of R resamples at D steps."""

    events: Array  # int32 "D R": of the very risk
    above: Array  # int32 "D R": others of a higher risk
    upto: Array  # int32 "D R": others of a risk as high or higher
    others: Array  # int32 "R": all others

    def auroc(self) -> Array:
        """As the function of that name, "R"."""
        beaten = self.others - (self.above if self.above is self.upto else (self.above + self.upto) / 2)
        return ratio(np.einsum("dr,dr->r", self.events, beaten, dtype=np.float64), self.events.sum(0) * self.others.astype(float))

    def auprc(self) -> Array:
        """As the function of that name, "R"."""
        found = np.cumsum(self.events, 0, dtype=np.int32)
        precision = found / np.maximum(found + self.upto, 1)
        return ratio(np.einsum("dr,dr->r", self.events, precision), self.events.sum(0) * (self.others > 0))


def steps(order: Ranked, subject: Array, subjects: int) -> Steps:
    """An order for many resamples; `subject` is the place of each row's among so many."""
    first = np.unique(order.events_upto, return_index=True)[1]  # an event of each distinct risk
    above, upto = order.above[first], order.upto[first]
    place = np.arange(len(order.others))
    step, others = np.searchsorted(upto, place, side="right"), subject[order.others]
    tied = np.flatnonzero(place >= np.append(above, len(place))[step])
    return Steps(
        _gathering(np.searchsorted(order.events_upto[first], order.events_upto), subject[order.events], len(first), subjects),
        _gathering(step, others, len(first) + 1, subjects),
        _gathering(step[tied], others[tied], len(first), subjects) if len(tied) else None,
    )


def _gathering(row: Array, column: Array, rows: int, columns: int) -> Any:
    """The sparse matrix that adds up columns by row."""
    return sparse.csr_array((np.ones(len(row), np.int32), (row, column)), (rows, columns))
