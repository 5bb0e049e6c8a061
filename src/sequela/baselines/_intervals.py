"""Rows under observation, told in whole intervals of time: what discrete hazards and trees count.

An event counts in the interval that it lies in. A row that left, or came, within an interval is at risk in it where that was in
its second half, or its first: on average half of them, as an actuary has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.types import Array, Times


@dataclass(frozen=True, slots=True)
class Spells:
    """The intervals begin:end at which each of N rows is at risk, and what ended the last of them."""

    begin: Array  # int64 "N"
    end: Array  # int64 "N", begin where it is never at risk
    cause: Array  # int64 "N": 0 where nothing came in the last interval

    def take(self, rows: Array) -> Spells:
        return Spells(self.begin[rows], self.end[rows], self.cause[rows])


def spells(times: Times, ends: Array) -> Spells:
    """In the intervals that end at these days (rising, the first begins at 0); what comes after the last is not seen."""
    middle = (ends + np.concatenate([[0.0], ends[:-1]])) / 2
    seen = (times.cause > 0) & (times.time <= ends[-1])
    end = np.where(seen, np.searchsorted(ends, times.time) + 1, np.searchsorted(middle, times.time, "right"))
    begin = np.minimum(np.searchsorted(middle, times.entry), end - seen)
    return Spells(begin, end, np.where(seen, times.cause, 0))


def at_risk(held: Spells, group: Array, groups: int, count: int) -> Array:
    """How many rows of each group are at risk in each of `count` intervals, int64 "groups count"."""
    width = count + 1
    came, went = (np.bincount(group * width + one, minlength=groups * width) for one in (held.begin, held.end))
    found: Array = np.cumsum((came - went).reshape(groups, width), axis=1)[:, :count]
    return found


def events(held: Spells, group: Array, groups: int, causes: int, count: int) -> Array:
    """How many rows of each group each cause took in each interval, int64 "groups causes count"."""
    seen = np.flatnonzero(held.cause)
    place = (group[seen] * causes + held.cause[seen] - 1) * count + held.end[seen] - 1
    return np.bincount(place, minlength=groups * causes * count).reshape(groups, causes, count)


def hazards(held: Spells, group: Array, groups: int, causes: int, count: int) -> Array:
    """The share of those at risk that each cause took, float64 "groups causes count"; 0 where nobody is at risk."""
    risk = np.maximum(at_risk(held, group, groups, count), 1)
    return np.asarray(events(held, group, groups, causes, count) / risk[:, None])
