"""When something happened to rows that were watched for a while, and how likely it is said to have come by each time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sequela.types.arrays import Array

UNITS = {"hours": 1 / 24, "days": 1.0, "months": 30.4375, "years": 365.25}  # in days


@dataclass(frozen=True, slots=True)
class Horizon:
    """A time after the prediction at which answers are judged."""

    label: str  # as the study writes it: "3y"
    days: float


@dataclass(frozen=True, slots=True)
class Times:
    """What became of N rows, and when: days after the prediction. The first event counts; a cause is a whole number."""

    time: Array  # float64 "N": of the event, or of the end of observation, > 0
    cause: Array  # int64 "N": 0 where observation ended without an event (censored), k for the k-th of the target's names
    entry: Array  # float64 "N": under observation only from then on (left truncation), in [0, time); 0: from the prediction on
    horizons: tuple[Horizon, ...]  # rising
    unit: str = "days"  # in which times are told to a reader, one of UNITS

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Array) -> Times:
        """Of these rows (indices or a mask), in the order given."""
        return replace(self, time=self.time[rows], cause=self.cause[rows], entry=self.entry[rows])

    def laid(self) -> Array:
        """float32 "N 3": time, cause, entry, as a loss sees them."""
        return np.stack([self.time, self.cause, self.entry], 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Curves:
    """How likely each cause has come by each time (cumulative incidence), for N rows on one grid; straight between its points."""

    times: Array  # float64 "G": days after the prediction, rising, > 0
    incidence: Array  # float64 "N K G": rising along G; the sum over causes is 1 at most

    def take(self, rows: Array) -> Curves:
        return Curves(self.times, self.incidence[rows])

    def at(self, days: Array | float) -> Array:
        """The incidence by these times, float64 "N K Q" (or "N K" of one time): 0 at 0, constant after the last point."""
        asked = np.clip(np.atleast_1d(np.asarray(days, float)), 0.0, self.times[-1])
        grid = np.concatenate([[0.0], self.times])
        values = np.concatenate([np.zeros((*self.incidence.shape[:2], 1)), self.incidence], 2)
        right = np.clip(np.searchsorted(grid, asked), 1, len(grid) - 1)
        share = (asked - grid[right - 1]) / (grid[right] - grid[right - 1])
        found = values[..., right - 1] * (1 - share) + values[..., right] * share
        return np.asarray(found[..., 0] if np.ndim(days) == 0 else found)

    def on(self, times: Array) -> Curves:
        """The same curves on another grid."""
        return Curves(np.asarray(times, float), self.at(np.asarray(times, float)))

    @property
    def survival(self) -> Array:
        """Chance that nothing has come by each time, float64 "N G"."""
        return np.asarray(1.0 - self.incidence.sum(1))

    def median(self) -> Array:
        """Days until something has come with a chance of one half, float64 "N"; NaN where it is less at the last time.

        >>> Curves(np.array([10.0, 20.0]), np.array([[[0.25, 0.75]], [[0.1, 0.2]]])).median().tolist()
        [15.0, nan]
        """
        came = np.concatenate([np.zeros((len(self.incidence), 1)), self.incidence.sum(1)], 1)  # "N G+1", from day 0 on
        grid = np.concatenate([[0.0], self.times])
        right = np.argmax(came >= 0.5, axis=1)
        reached, row, left = right > 0, np.arange(len(came)), np.maximum(right - 1, 0)
        rise = came[row, right] - came[row, left]
        share = (0.5 - came[row, left]) / np.where(reached, rise, 1.0)
        return np.where(reached, grid[left] + share * (grid[right] - grid[left]), np.nan)

    def mean_until(self, days: float) -> Array:
        """The restricted mean survival: how many of the next so many days are free of everything, in the mean, float64 "N".

        Raises ValueError for a time after the last.

        >>> Curves(np.array([10.0]), np.array([[[1.0]], [[0.0]]])).mean_until(10.0).tolist()
        [5.0, 10.0]
        """
        if days > self.times[-1]:
            raise ValueError(f"the curves end after {self.times[-1]:g} days, and {days:g} are asked for")
        return np.asarray(days - self.lost(days).sum(1))

    def lost(self, days: float) -> Array:
        """How many of the next so many days each cause is expected to take, float64 "N K".

        The years lost to a cause: the area under its incidence (Andersen 2013, Statistics in Medicine 32:5278).

        >>> Curves(np.array([10.0]), np.array([[[1.0]], [[0.0]]])).lost(10.0).tolist()
        [[5.0], [0.0]]
        """
        grid = np.concatenate([[0.0], self.times[self.times < days], [days]])
        came = self.at(grid)
        return np.asarray(((came[..., 1:] + came[..., :-1]) / 2 * np.diff(grid)).sum(-1))

    def given(self, days: float) -> Curves:
        """What is left to come for one who is free of everything after so many days: times count from then on.

        NaN in rows of which nothing can be left. Raises ValueError for a time that is not before the last.

        >>> Curves(np.array([10.0, 20.0]), np.array([[[0.5, 0.75]]])).given(10.0)
        Curves(times=array([10.]), incidence=array([[[0.5]]]))
        """
        if days >= self.times[-1]:
            raise ValueError(f"the curves end after {self.times[-1]:g} days, and what comes after {days:g} is asked for")
        later, gone = self.times > days, self.at(float(days))
        left = 1.0 - gone.sum(1)
        share = np.divide(1.0, left, out=np.full(len(left), np.nan), where=left > 0)
        return Curves(self.times[later] - days, (self.incidence[:, :, later] - gone[:, :, None]) * share[:, None, None])
