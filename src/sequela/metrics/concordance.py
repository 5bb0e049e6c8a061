"""How well risks rank by time: who has the event sooner should have the higher risk. Only the order of the risks matters.

A pair is comparable where one row has the event of the cause, by `until`, while the other is under observation then and has no
event, or had one of another cause before: that row never gets the event in question, so it must rank below (Wolbers 2009, 2014).
Rows that came under observation after the event are not compared with it (left truncation). A tied risk counts one half. Where
no pair is comparable the value is NaN. Weights as in `sums`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sequela.metrics.ipcw import inverse
from sequela.metrics.sums import ratio
from sequela.metrics.survival_curves import still_watched
from sequela.metrics.watched import Watched, by_time, running, taken, watch
from sequela.types import Array, Curves, Times

ELEMENTS = 1 << 22  # of a block of pairs
FOREVER = float("inf")
DIGITS = 12

Risks = Callable[[Array], Array]  # days "B" -> the risk of every row by each day, "B N" ("1 N" where it is the same by all)


def c_index(risk: Array, times: Times, cause: int = 1, weights: Array | None = None, until: float = FOREVER) -> Array:
    """The share of comparable pairs in which the earlier event has the higher risk (Harrell 1982).

    It depends on how long rows were watched; `uno_c` does not.

    >>> times = Times(np.array([1.0, 2, 3]), np.array([1, 0, 1]), np.zeros(3), ())
    >>> float(c_index(np.array([0.9, 0.1, 0.5]), times))
    1.0
    """
    return paired(fixed(risk), times, cause, until).harrell(weights)


def uno_c(risk: Array, times: Times, cause: int = 1, weights: Array | None = None, until: float = FOREVER) -> Array:
    """The same share as if nobody had been lost: pairs count by how seldom their like were watched for so long (Uno 2011).

    A row that had another event counts by how seldom its like were watched until that (Wolbers 2014). The chance of being
    watched is that of the rows given, the same for all, just before the event.
    """
    return paired(fixed(risk), times, cause, until).uno(weights)


def td_c(curves: Curves, times: Times, cause: int = 1, weights: Array | None = None, until: float = FOREVER) -> Array:
    """The same share, where both risks of a pair are taken at the time of the event (Antolini 2005, ties one half)."""
    return paired(by_event(curves, cause), times, cause, until).harrell(weights)


def fixed(risk: Array) -> Risks:
    """The same risk at every time."""
    row = np.asarray(risk, np.float64)[None]
    return lambda days: row


def by_event(curves: Curves, cause: int) -> Risks:
    """The risk by the time of each event."""
    one = Curves(curves.times, curves.incidence[:, [cause - 1]])
    return lambda days: one.at(days)[:, 0].T


@dataclass(frozen=True, slots=True)
class Block:
    """Some events against some rows: which rows they should beat, and do. A bit a pair."""

    events: slice  # among the P events
    rows: slice  # among those that they are held against
    above: Array  # uint8: packed "B M"
    tied: Array | None  # the same; None where no risk is tied

    def beaten(self, weights: Array) -> Array:
        """Weight of the rows that each of the events beats, "... B"."""
        held = weights[..., self.rows]
        won = held @ self._bits(self.above, held).T
        return won if self.tied is None else won + held @ self._bits(self.tied, held).T / 2

    def _bits(self, packed: Array, like: Array) -> Array:
        return np.unpackbits(packed, 1, like.shape[-1]).astype(like.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """All comparable pairs of rows, compared once for any number of resamples. N rows, P events, Q rows with another event."""

    watched: Watched
    events: Array  # int64 "P": rows, by rising time
    others: Array  # int64 "Q": rows, by rising time
    after: Array  # int64 "P": how many rows do not outlast the event
    past: Array  # int64 "P": how many of the others had theirs by then
    later: tuple[Block, ...]  # against those that outlast the event, in the order of `watched`
    earlier: tuple[Block, ...]  # against those of the others that had theirs by then

    def harrell(self, weights: Array | None = None) -> Array:
        """As the functions `c_index` and `td_c`."""
        weights = self.watched.weights(weights)
        own, others = (np.take(weights, rows, -1) for rows in (self.events, self.others))
        won, there = self._later(weights)
        before, had = self._earlier(others)
        return ratio(_dot(own, won + before), _dot(own, there + had))

    def uno(self, weights: Array | None = None) -> Array:
        """As the function `uno_c`."""
        weights = self.watched.weights(weights)
        kept, time = still_watched(self.watched, weights), self.watched.of.time
        seldom, of_others = (inverse(kept.before(time[rows])) for rows in (self.events, self.others))
        own, others = np.take(weights, self.events, -1) * seldom, np.take(weights, self.others, -1) * of_others
        won, there = self._later(weights)
        before, had = self._earlier(others)
        share = ratio(_dot(own, won * seldom + before), _dot(own, there * seldom + had))
        return np.round(share, DIGITS)  # so that risks that are all tied are 0.5 in every resample

    def _later(self, weights: Array) -> tuple[Array, Array]:
        """Weight of the rows that outlast each event: of those that it beats, and of all, "... P"."""
        return self.watched.latest(self, self._outlasting, weights)

    def _outlasting(self, weights: Array) -> tuple[Array, Array]:
        won = self._won(taken(weights, self.watched.order), self.later)
        return won, self.watched.outlasting(self.watched.of.time[self.events], self.after, weights)

    def _earlier(self, others: Array) -> tuple[Array, Array]:
        """The same of the others that had another event by then, by their weights "... Q"."""
        return self._won(others, self.earlier), running(others)[..., self.past]

    def _won(self, weights: Array, blocks: tuple[Block, ...]) -> Array:
        """Weight of the rows that each event beats, "... P"; whole numbers of rows are exact in 32 bits, and quicker."""
        held = weights.astype(np.float32) if (weights == np.rint(weights)).all() else weights
        won = np.zeros((*weights.shape[:-1], len(self.events)))
        for block in blocks:
            won[..., block.events] = block.beaten(held)
        return won


def paired(risks: Risks, times: Times, cause: int, until: float = FOREVER, watched: Watched | None = None) -> Pairs:
    """Every event of the cause by `until` days held against all that it is comparable with."""
    watched = watched or watch(times)
    order, time = by_time(times), times.time
    events, others = (order[which[order]] for which in (_of(times, cause, until), (times.cause > 0) & (times.cause != cause)))
    moments = time[events]
    gone = np.searchsorted(time[order], moments, "right") - _lost_then(times, moments)
    past = np.searchsorted(time[others], moments, "right")
    compare = _Compare(risks, watched, events)
    later = tuple(compare.blocks(order, np.stack([gone, np.full(len(gone), len(order))], 1)))
    earlier = tuple(compare.blocks(others, np.stack([np.zeros_like(past), past], 1)))
    return Pairs(watched, events, others, gone, past, later, earlier)


def _of(times: Times, cause: int, until: float) -> Array:
    return np.asarray((times.cause == cause) & (times.time <= until))


def _lost_then(times: Times, moments: Array) -> Array:
    """How many rows were lost at the very time of each event: they outlast it."""
    lost = np.sort(times.time[times.cause == 0])
    return np.searchsorted(lost, moments, "right") - np.searchsorted(lost, moments, "left")


@dataclass(frozen=True, slots=True)
class _Compare:
    risks: Risks
    watched: Watched
    events: Array

    def blocks(self, rows: Array, bounds: Array) -> Iterator[Block]:
        """The events against these rows, each against those within its bounds "P 2" alone; both bounds rise."""
        size = max(1, ELEMENTS // max(1, len(self.watched.of)))
        for first in range(0, len(self.events), size):
            chosen = slice(first, min(first + size, len(self.events)))
            columns = slice(int(bounds[chosen, 0].min()), int(bounds[chosen, 1].max()))
            if columns.start < columns.stop:
                yield self._block(chosen, columns, rows[columns], bounds[chosen] - columns.start)

    def _block(self, chosen: slice, columns: slice, rows: Array, bounds: Array) -> Block:
        own = self.events[chosen]
        day = self.watched.of.time[own]
        risks = self.risks(day)
        mine, theirs = risks[np.arange(len(own)) % len(risks), own][:, None], risks[:, rows]
        place = np.arange(len(rows))
        inside = (bounds[:, :1] <= place) & (place < bounds[:, 1:])
        if self.watched.entered is not None:
            inside &= self.watched.of.entry[rows] < day[:, None]
        tied = (mine == theirs) & inside
        above = np.packbits((mine > theirs) & inside, 1)
        return Block(chosen, columns, above, np.packbits(tied, 1) if tied.any() else None)


def _dot(left: Array, right: Array) -> Array:
    product: Array = np.einsum("...p,...p->...", left, right)
    return product
