"""How likely curves made what became of rows that were watched for a while.

The log-likelihood in intervals of time is a proper score of all causes at once. Unlike a Brier score it needs no estimate of how
long rows were watched, which is poor on a small part and wrong where watching depends on the inputs; and a row that came under
observation late counts from then on.
"""

from __future__ import annotations

import numpy as np

from sequela.types import Array, Curves, Times

INTERVALS = 12
FEWEST, LEAST = 10, 0.02  # rows, and their share, that must be at risk at an event for its time to be judged
SMALLEST = 1e-4  # a chance of 0 counts as this one: one event where a rare cause was never seen does not outweigh all others


def intervals(times: Times, most: int = INTERVALS) -> Array:
    """The ends of at most so many intervals with about as many events each, days, rising.

    The last is the last event at which enough rows were still watched: beyond it nobody can tell. Empty where there is no event.
    """
    events = np.sort(times.time[times.cause > 0])
    if not len(events):
        return np.zeros(0)
    entered, left = (np.searchsorted(np.sort(one), events) for one in (times.entry, times.time))
    told = entered - left >= max(FEWEST, LEAST * len(times))
    events = events[told] if told.any() else events
    return np.unique(np.quantile(events, np.arange(1, most + 1) / most, method="inverted_cdf"))


def log_loss(curves: Curves, times: Times, ends: Array) -> float:
    """The mean negative log-likelihood of each row, in nats: of an event, that its cause came in its interval; of a row that was
    watched to its end, that nothing came until then; each given that nothing came before its entry.

    What comes after the last of the `ends` is not looked at. The smaller the better; 0 where no row says anything.
    """
    until = np.minimum(times.time, ends[-1])
    asked = np.flatnonzero(times.entry < until)
    if not len(asked):
        return 0.0
    held = times.take(asked)
    given = _chance(curves.take(asked), held, until[asked], ends)
    return float(-np.log(np.clip(given, SMALLEST, 1.0)).mean())


def _chance(curves: Curves, times: Times, until: Array, ends: Array) -> Array:
    """Of what became of each row, "N"."""
    entered = 1.0 - each(curves, times.entry).sum(1)
    place = np.minimum(np.searchsorted(ends, until), len(ends) - 1)
    begin = np.maximum(np.concatenate([[0.0], ends])[place], times.entry)
    gained = each(curves, ends[place]) - each(curves, begin)
    seen = (times.cause > 0) & (times.time <= ends[-1])
    own = gained[np.arange(len(gained)), np.maximum(times.cause - 1, 0)]
    left = 1.0 - each(curves, until).sum(1)
    return np.asarray(np.where(seen, own, left) / np.maximum(entered, SMALLEST))


def each(curves: Curves, days: Array) -> Array:
    """The incidence of each row by a time of its own "N", float64 "N K"."""
    grid = np.concatenate([[0.0], curves.times])
    asked = np.clip(days, 0.0, grid[-1])
    right = np.clip(np.searchsorted(grid, asked), 1, len(grid) - 1)
    share = ((asked - grid[right - 1]) / (grid[right] - grid[right - 1]))[:, None]
    row = np.arange(len(asked))
    before = np.where((right == 1)[:, None], 0.0, curves.incidence[row, :, np.maximum(right - 2, 0)])
    return np.asarray(before * (1 - share) + curves.incidence[row, :, right - 1] * share)
