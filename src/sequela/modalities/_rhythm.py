"""The rhythm around each beat, from the beats known at the prediction alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.types import Array

SIDE = (
    "log_before",
    "log_after",
    "log_local",
    "log_mean",
    "before_local",
    "after_local",
    "before_mean",
    "after_before",
    "before_known",
    "after_known",
)
LOCAL = 10  # intervals before and up to a beat that make its local mean (de Chazal 2004, section II-D)
TYPICAL = 0.8  # seconds: logarithms of intervals are taken against this, 75 beats a minute


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Intervals around each of S beats in seconds, NaN where a beat before or after is not known."""

    before: Array  # from the beat before
    after: Array  # to the next beat, if that is known
    local: Array  # mean of the last LOCAL intervals up to this beat
    mean: Array  # mean of all known intervals of the row, the ones after this beat with them

    @property
    def columns(self) -> tuple[Array, ...]:
        return self.before, self.after, self.local, self.mean

    def side(self) -> Array:
        """The columns SIDE, float32 "S 10": logarithms and logarithms of ratios, 0 where unknown, and two flags."""
        with np.errstate(divide="ignore"):
            before, after, local, mean = (np.log(np.maximum(column, 1e-3) / TYPICAL) for column in self.columns)
        numbers = [before, after, local, mean, before - local, after - local, before - mean, after - before]
        flags = [~np.isnan(self.before), ~np.isnan(self.after)]
        return np.stack([np.nan_to_num(number) for number in numbers] + flags, 1).astype(np.float32)


def rhythm(group: Array, seconds: Array, record: Array) -> Rhythm:
    """The rhythm of beats sorted by group (the row), then time; an interval between two records is none."""
    interval = np.full(len(seconds), np.nan)
    joined = (group[1:] == group[:-1]) & (record[1:] == record[:-1])
    interval[1:] = np.where(joined, np.diff(seconds), np.nan)
    after = np.append(interval[1:], np.nan)[: len(seconds)]
    known = ~np.isnan(interval)
    total, count = (np.concatenate([[0], np.cumsum(column)]) for column in (np.nan_to_num(interval), known))
    first = np.searchsorted(group, group, side="left")
    last = np.searchsorted(group, group, side="right")
    here = np.arange(1, len(seconds) + 1)
    return Rhythm(interval, after, _mean(total, count, np.maximum(first, here - LOCAL), here), _mean(total, count, first, last))


def _mean(total: Array, count: Array, low: Array, high: Array) -> Array:
    number = count[high] - count[low]
    found: Array = np.where(number > 0, (total[high] - total[low]) / np.maximum(number, 1), np.nan)
    return found
