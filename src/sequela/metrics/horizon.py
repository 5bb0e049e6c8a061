"""Risks by a horizon of rows of which some were lost before it: how well they rank, how far they are off, what they add up to.

`risk` is float "N": of having had the cause by `day`. What became of the lost is told by those like them, through inverse
probability of censoring weights (`ipcw`), estimated from the rows judged, with the same weights. A row with another cause has not
had the one in question, and never will. Rows that came under observation after the prediction (left truncation) stand for others
who were gone before: the sums here cannot say for whom, so they must be left out (`from_the_start`); `observed_expected` takes
them, from their entry on. NaN where nobody was watched until the day. Weights as in `sums`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.metrics import calibration
from sequela.metrics.discrimination import auroc
from sequela.metrics.ipcw import had, inverse, reaches, weighed
from sequela.metrics.sums import count, mean, ratio
from sequela.metrics.survival_curves import observed, still_watched
from sequela.metrics.watched import Watched, watch
from sequela.types import Array, Curves, Times

POINTS = 100  # of the grid that a score is integrated over


def from_the_start(times: Times) -> Array:
    """The rows that were under observation from the prediction on, bool "N"."""
    return np.asarray(times.entry <= 0)


def cumulative_auc(risk: Array, times: Times, day: float, cause: int = 1, weights: Array | None = None) -> Array:
    """The chance that a row that had the event by the day has a higher risk than one that had not (Uno 2007; Blanche 2013).

    Those that had another cause are among those that had not. NaN where either side is empty.

    >>> times = Times(np.array([1.0, 5, 6]), np.array([1, 0, 2]), np.zeros(3), ())
    >>> float(cumulative_auc(np.array([0.4, 0.2, 0.6]), times, 3.0))
    0.5
    """
    return auroc(risk, had(times, cause, day), weighed(watch(times), day, weights))


def horizon_brier(risk: Array, times: Times, day: float, cause: int = 1, weights: Array | None = None) -> Array:
    """The mean squared distance of the risk from what had come by the day (Graf 1999; Schoop 2011).

    The mean is over all rows, the lost among them: those known stand for all.
    """
    squares = np.square(risk - had(times, cause, day))
    return ratio(_summed(weighed(watch(times), day, weights), squares), count(squares, weights))


def integrated_brier(curves: Curves, times: Times, until: float, cause: int = 1, weights: Array | None = None) -> Array:
    """The mean of `horizon_brier` over the days from the prediction until `until` (trapezoids between POINTS + 1 days)."""
    return Squares.of(curves, times, until, cause).integrated(weights)


@dataclass(frozen=True, slots=True)
class Squares:
    """Squared distances of curves from what came, so summed over Q days that a resample is a product with its weights.

    Until its own time a row's risk should be 0, and it counts by the chance to be watched until each day; from its event on its
    risk should be 1 (of another cause 0), and it counts by the chance to be watched until that event.
    """

    watched: Watched
    days: Array  # float64 "Q"
    share: Array  # float64 "Q": of each day in the mean
    before: Array  # float64 "N Q": the square on each day until the row's own time, 0 from then on
    since: Array  # float64 "N": the sum of the squares from the row's event on, by `share`

    @classmethod
    def of(cls, curves: Curves, times: Times, until: float, cause: int, watched: Watched | None = None) -> Squares:
        days = np.linspace(0, until, POINTS + 1)[1:]  # at 0 nothing is foreseen and nothing has come
        share = np.full(POINTS, 1 / POINTS)
        share[-1] /= 2
        risk = Curves(curves.times, curves.incidence[:, [cause - 1]]).at(days)[:, 0]
        by, lost = times.time[:, None], times.cause[:, None] == 0
        waiting = (days < by) | ((days == by) & lost)
        after = np.square(risk - (times.cause == cause)[:, None]) * ~(waiting | lost)
        return cls(watched or watch(times), days, share, np.square(risk) * waiting, after @ share)

    def integrated(self, weights: Array | None = None) -> Array:
        """As the function `integrated_brier`."""
        weights = self.watched.weights(weights)
        kept, times = still_watched(self.watched, weights), self.watched.of
        waiting = (weights @ self.before) * inverse(kept.before(self.days)) @ self.share
        happened = weights * inverse(kept.before(times.time)) @ self.since
        mean = ratio(waiting + happened, weights.sum(-1))
        return np.where(reaches(kept, float(self.days[-1])), mean, np.nan)[()]


def horizon_observed_expected(risk: Array, times: Times, day: float, cause: int = 1, weights: Array | None = None) -> Array:
    """The share that had had the cause by the day (Aalen-Johansen) over the mean risk: below 1 the risks are too high."""
    return ratio(observed(watch(times), cause, day, weights), mean(risk, weights))


def horizon_slope(risk: Array, times: Times, day: float, cause: int = 1, weights: Array | None = None) -> Array:
    """Calibration slope on the logits, of the rows known on the day, weighted: below 1 the risks are too extreme."""
    return calibration.calibration_slope(risk, had(times, cause, day), weighed(watch(times), day, weights))


def alike(risk: Array, groups: int) -> Sequence[Array]:
    """Rows by quantile of their risk, the lowest first: bool "N" each, of as equal a number as ties allow, none empty."""
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, groups + 1)[1:-1])) if len(risk) else np.zeros(0)
    place = np.searchsorted(edges, risk, side="right")
    return [place == one for one in np.unique(place)]


def _summed(weights: Array, values: Array) -> Array:
    return np.asarray(weights @ values)
