"""Cox's proportional hazards (1972): the partial likelihood with Efron's ties (1977), late entries, and an L2 penalty.

With risk sums S(t) of the weights w = exp(x b) over the rows at risk (entry < t <= time), and D(t) over the d events at t, the
l-th of them is divided by S(t) - l / d D(t). Risk sums of all times come of one sparse product and one running sum, so nothing is
done row by row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve
from scipy.sparse import csr_array

from sequela.types import Array, Times

ITERATIONS, HALVINGS = 30, 30
TOLERANCE = 1e-9  # of the penalised likelihood, relative: Newton's steps end below it


@dataclass(frozen=True, slots=True)
class Risks:
    """Who is at risk when, of N rows with E events at D distinct times; events of other causes count as censored."""

    moments: Array  # float64 "D", rising
    exit: Array  # int64 "N": how many moments are not after a row's time
    entry: Array  # int64 "N": how many are not after its entry
    event: Array  # int64 "E": rows with an event, by time
    place: Array  # int64 "E": the moment of each
    share: Array  # float64 "E": l / d

    def at_risk(self, values: Array) -> Array:
        """Sums over the rows at risk at each moment: "N" to "D", or "N F" to "D F"."""
        rows, count = np.arange(len(self.exit)), len(self.moments) + 1
        ones = np.ones(len(rows))
        places = csr_array((ones, (self.exit, rows)), (count, len(rows)))
        if self.entry.any():
            places = places - csr_array((ones, (self.entry, rows)), (count, len(rows)))
        found: Array = np.cumsum((places @ values)[::-1], axis=0)[::-1][1:]
        return found

    def at_events(self, values: Array) -> Array:
        """Sums over the events of each moment: "N" to "D", or "N F" to "D F"."""
        first = np.searchsorted(self.place, np.arange(len(self.moments)))
        found: Array = np.add.reduceat(values[self.event], first, axis=0)
        return found

    def over(self, terms: Array) -> Array:
        """Sums of what events have "E" over those at which each row is at risk, "N"."""
        running = np.concatenate([[0.0], np.cumsum(np.bincount(self.place, terms, len(self.moments)))])
        return np.asarray(running[self.exit] - running[self.entry])

    def divisors(self, weights: Array) -> Array:
        """S - l / d D of each event, "E"."""
        return np.asarray(self.at_risk(weights)[self.place] - self.share * self.at_events(weights)[self.place])


def risks(times: Times, cause: int) -> Risks:
    """Of the k-th cause, which some row must have."""
    rows = np.flatnonzero(times.cause == cause)
    event = rows[np.argsort(times.time[rows], kind="stable")]
    moments, place, count = np.unique(times.time[event], return_inverse=True, return_counts=True)
    order = np.arange(len(event)) - (np.cumsum(count) - count)[place]
    exit, entry = (np.searchsorted(moments, one, "right") for one in (times.time, times.entry))
    return Risks(moments, exit, entry, event, place, order / count[place])


@dataclass(frozen=True, slots=True)
class _Point:
    """The penalised likelihood of some effects, to be made large."""

    effects: Array
    value: float
    weights: Array  # exp(x b - highest)
    divisors: Array


def effects(features: Array, at: Risks, penalty: float, start: Array | None = None) -> Array:
    """The effects "F" at which partial likelihood - penalty / 2 * |b|^2 is largest, by Newton's steps."""
    here = _point(features, at, penalty, np.zeros(features.shape[1]) if start is None else start)
    for _ in range(ITERATIONS):
        step = _step(features, at, penalty, here)
        there = _gained(features, at, penalty, here, step)
        if there is None or there.value - here.value <= TOLERANCE * abs(here.value):
            return here.effects if there is None else there.effects
        here = there
    return here.effects


def _gained(features: Array, at: Risks, penalty: float, here: _Point, step: Array) -> _Point | None:
    """The first of the step, its half, its quarter ... that is no loss; None where rounding leaves none."""
    for halving in range(HALVINGS):
        there = _point(features, at, penalty, here.effects + 0.5**halving * step)
        if there.value >= here.value:
            return there
    return None


def _point(features: Array, at: Risks, penalty: float, effects: Array) -> _Point:
    linear = features @ effects
    highest = linear.max()
    weights = np.exp(linear - highest)
    divisors = np.maximum(at.divisors(weights), np.finfo(float).tiny)
    value = (linear[at.event] - highest).sum() - np.log(divisors).sum() - penalty / 2 * effects @ effects
    return _Point(effects, float(value), weights, divisors)


def _step(features: Array, at: Risks, penalty: float, here: _Point) -> Array:
    """Newton's: the inverse of the information, times the score."""
    expected = here.weights * at.over(1 / here.divisors)
    expected[at.event] -= here.weights[at.event] * _own_share(at, here.divisors)
    observed = np.bincount(at.event, minlength=len(features))
    score = features.T @ (observed - expected) - penalty * here.effects
    weighed = here.weights[:, None] * features
    means = at.at_risk(weighed)[at.place] - at.share[:, None] * at.at_events(weighed)[at.place]
    means /= here.divisors[:, None]
    information = (features * expected[:, None]).T @ features - means.T @ means
    information[np.diag_indices_from(information)] += max(penalty, 1e-10)
    found: Array = solve(information, score, assume_a="sym")
    return found


def _own_share(at: Risks, divisors: Array) -> Array:
    """What an event's own weight is counted less for, as some of those at its moment have gone: "E"."""
    found: Array = np.bincount(at.place, at.share / divisors, len(at.moments))[at.place]
    return found


def baseline(features: Array, at: Risks, effects: Array) -> Array:
    """Growth of the cumulative hazard of a row whose features are all 0, at each moment "D" (Efron; without ties, Breslow)."""
    linear = features @ effects
    highest = linear.max()
    divisors = at.divisors(np.exp(linear - highest))
    return np.asarray(np.bincount(at.place, np.exp(-highest) / divisors, len(at.moments)))


def growth(moments: Array, steps: Array, grid: Array) -> Array:
    """The steps at these moments gathered into the intervals that end at the points of a grid, "G"."""
    found: Array = np.bincount(np.searchsorted(grid, moments), steps, len(grid))
    return found
