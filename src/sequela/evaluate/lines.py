"""The curves of an answer to a yes-or-no question as functions of how often each subject counts: one pass down the risks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sequela.metrics.calibration import logit
from sequela.metrics.sums import ratio
from sequela.types import Array

POINTS = 101  # of a grid from 0 to 1
GRID = 40  # points of the smooth calibration curve
FINE = 50  # bins in a width of the kernel: a row counts at the mean of its bin, at most 1/50 of the width away
FAR = 6  # widths beyond which a kernel is nothing


class Values(NamedTuple):
    """The heights of each curve on its grid, "R G"."""

    roc: Array
    precision: Array
    smooth: Array
    decision: Array


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows by falling risk, sorted once, with the grids of the curves. G distinct risks, B bins of them."""

    unit: Array  # int64 "N": the subject of each row
    event: Array  # bool "N"
    last: Array  # int64 "G": the last row of each distinct risk
    rates: Array  # of ROC and of precision and recall
    around: Array  # risks around which the calibration is told
    thresholds: Array  # of net benefit
    called: Array  # int64: how many distinct risks each threshold calls
    edges: Array  # int64 "B+1": distinct risks above each bin
    kernels: tuple[Array, Array, Array]  # "B around": a Gaussian of 1/6 of the range, times the distance, and times its square

    def at(self, counts: Array) -> Values:
        """Every curve of resamples of the subjects, "R U"."""
        true, false = self._cumulated(counts)
        roc = [_rate_at(self.rates, f / max(f[-1], 1e-12), t / max(t[-1], 1e-12)) for t, f in zip(true, false, strict=True)]
        precision = [self._precision(t, f) for t, f in zip(true, false, strict=True)]
        return Values(np.stack(roc), np.stack(precision), self._smooth(true, false), self._benefit(true, false))

    def _cumulated(self, counts: Array) -> tuple[Array, Array]:
        """Events and others called, "R G+1", as the threshold falls through the distinct risks."""
        weights = np.take(counts.astype(np.int64), self.unit, 1)
        every = len(self.last) == len(self.unit)
        sums = np.zeros((2, len(weights), len(self.last) + 1))
        for place, each in enumerate((weights * self.event, weights * ~self.event)):
            passed = np.cumsum(each, 1)
            sums[place, :, 1:] = passed if every else passed[:, self.last]
        return sums[0], sums[1]

    def _precision(self, true: Array, false: Array) -> Array:
        """PPV at the highest threshold that reaches each sensitivity of the grid but 0."""
        at = np.searchsorted(true, self.rates[1:] * true[-1] - 1e-9)
        return ratio(true[at], true[at] + false[at])

    def _benefit(self, true: Array, false: Array) -> Array:
        """True positives less false positives times the odds of the threshold, a row (Vickers and Elkin 2006)."""
        odds = self.thresholds / (1 - self.thresholds)
        return ratio(true[:, self.called] - odds * false[:, self.called], (true[:, -1] + false[:, -1])[:, None])

    def _smooth(self, true: Array, false: Array) -> Array:
        """The height of a straight line over the logit around each risk, the observed share there."""
        events = np.diff(true[:, self.edges], axis=1)
        rows = events + np.diff(false[:, self.edges], axis=1)
        s0, s1, s2 = (rows @ kernel for kernel in self.kernels)
        t0, t1 = (events @ kernel for kernel in self.kernels[:2])
        determinant = s0 * s2 - s1 * s1
        observed: Array = np.clip(ratio(s2 * t0 - s1 * t1, np.where(determinant > 1e-9, determinant, 0)), 0, 1)
        return observed


def lines(risk: Array, event: Array, unit: Array) -> Lines:
    """The curves of risks "N"; `unit` is the place of each row's subject."""
    order = np.argsort(-risk, kind="stable")
    falling = risk[order]
    last = np.flatnonzero(np.append(np.diff(falling) != 0, True))
    distinct, around, thresholds = falling[last], _smooth_grid(risk), _decision_grid(risk)
    edges, kernels = _kernels(falling, distinct, around)
    called = np.searchsorted(-distinct, -thresholds, side="right")
    rates = np.linspace(0, 1, POINTS)
    return Lines(unit[order], event[order], last, rates, around, thresholds, called, edges, kernels)


def _kernels(falling: Array, distinct: Array, around: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    """Edges among the distinct risks of bins that are narrow beside the kernel, and its moments at the mean of each bin."""
    centres, each = logit(around), logit(falling)
    width = max(float(np.ptp(centres)) / 6, 1e-3)
    ends = np.arange(centres.max() + FAR * width, centres.min() - FAR * width, -width / FINE)
    edges = np.unique(np.concatenate([[0], np.searchsorted(-logit(distinct), -ends), [len(distinct)]]))
    rows = np.searchsorted(-falling, -distinct[edges[1:] - 1], side="right")
    first = np.append(0, rows[:-1])
    mean = np.add.reduceat(each, first) / (rows - first)
    distance = (mean[:, None] - centres) / width
    kernel = np.exp(-0.5 * np.square(distance))
    return edges, (kernel, kernel * distance, kernel * np.square(distance))


def _rate_at(grid: Array, false_rate: Array, true_rate: Array) -> Array:
    """Straight between the points of the curve, and its upper end where it rises at one false-positive rate."""
    last = np.append(np.diff(false_rate) > 0, True)
    rates: Array = np.interp(grid, false_rate[last], true_rate[last])
    return rates


def _smooth_grid(risk: Array) -> Array:
    """Risks, evenly spaced in logits, within the middle 98 % of those that occur."""
    low, high = np.quantile(logit(risk), [0.01, 0.99])
    grid: Array = 1 / (1 + np.exp(-np.linspace(low, high, GRID)))
    return grid


def _decision_grid(risk: Array) -> Array:
    """Thresholds from .01 up to the highest risk that occurs, .99 at most."""
    return np.arange(1, max(2, min(99, int(np.ceil(float(risk.max()) * 100)))) + 1) / 100
