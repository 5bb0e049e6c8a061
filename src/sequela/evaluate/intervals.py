"""Intervals: DeLong for AUROC and its paired differences, Wilson for proportions, and the bootstrap by subject for everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from msgspec import Struct
from scipy.stats import rankdata

from sequela import seed as streams
from sequela.metrics.sums import ratio
from sequela.types import Array

ELEMENTS = (
    1 << 19
)  # of the weights of a chunk of resamples: small enough to stay near the processor, large enough to be worth a call
DEFINED = 0.5  # share of resamples in which a value must be defined for its interval to be given


class Interval(Struct, frozen=True):
    """A value between its limits; p where it is a difference that was tested."""

    value: float
    low: float
    high: float
    p: float | None = None


def wilson(successes: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """Limits of a proportion (Wilson 1927): inside [0, 1], and sensible at 0 and 1. NaN without trials.

    >>> low, high = wilson(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    """
    if trials == 0:
        return float("nan"), float("nan")
    z, share = _normal(confidence), successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def _normal(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


# ---------------------------------------------------------------------------------------------------------------------- DeLong


def delong(risk: Array, event: Array, subject: Array | None = None, confidence: float = 0.95) -> Interval:
    """AUROC with its interval (DeLong 1988, by midranks as Sun and Xu 2014).

    With `subject` the rows of a subject may depend on one another (Obuchowski 1997); with one row a subject that is DeLong's.
    The limits are NaN where there are fewer than two events or two others.
    """
    area, covariance = _areas([risk], event, subject)
    half = _normal(confidence) * float(np.sqrt(covariance[0, 0]))
    return Interval(float(area[0]), max(0.0, float(area[0]) - half), min(1.0, float(area[0]) + half))


def delong_difference(
    risk: Array, other: Array, event: Array, subject: Array | None = None, confidence: float = 0.95
) -> Interval:
    """AUROC of risk minus that of other on the same rows, with its interval and two-sided p; p is 1 where they never differ."""
    area, covariance = _areas([risk, other], event, subject)
    difference = float(area[0] - area[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    error = float(np.sqrt(max(variance, 0.0))) if variance > 1e-16 or np.isnan(variance) else 0.0
    p = 2 * NormalDist().cdf(-abs(difference) / error) if error > 0 else (1.0 if difference == 0 else 0.0)
    half = _normal(confidence) * error
    return Interval(difference, difference - half, difference + half, float("nan") if np.isnan(error) else p)


def _areas(risks: list[Array], event: Array, subject: Array | None) -> tuple[Array, Array]:
    """AUROC "M" of M models and its covariance "M M"; NaN covariance where it cannot be estimated."""
    event = np.asarray(event, bool)
    events, others = int(event.sum()), int((~event).sum())
    unit = np.arange(len(event)) if subject is None else np.unique(subject, return_inverse=True)[1]
    if events == 0 or others == 0:
        return np.full(len(risks), np.nan), np.full((len(risks), len(risks)), np.nan)
    won, lost = zip(*[_placements(risk, event) for risk in risks], strict=True)
    area = np.mean(won, 1)
    above = np.stack([_by_unit(w - a, unit[event], unit) for w, a in zip(won, area, strict=True)])
    below = np.stack([_by_unit(v - a, unit[~event], unit) for v, a in zip(lost, area, strict=True)])
    cross = above @ below.T
    covariance = (
        _scale(unit[event]) * (above @ above.T) / events**2
        + _scale(unit[~event]) * (below @ below.T) / others**2
        + _scale(unit) * (cross + cross.T) / (events * others)
    )
    return area, covariance


def _placements(risk: Array, event: Array) -> tuple[Array, Array]:
    """For each event the share of others below it, and for each other the share of events above it, ties counting one half."""
    risk = np.asarray(risk, np.float64)
    everywhere, within_events, within_others = rankdata(risk), rankdata(risk[event]), rankdata(risk[~event])
    events, others = len(within_events), len(within_others)
    return (everywhere[event] - within_events) / others, 1 - (everywhere[~event] - within_others) / events


def _by_unit(values: Array, unit: Array, units: Array) -> Array:
    return np.bincount(unit, values, minlength=int(units.max()) + 1)


def _scale(unit: Array) -> float:
    """n / (n - 1) for n units; NaN for one."""
    units = int((np.bincount(unit) > 0).sum())
    return units / (units - 1) if units > 1 else float("nan")


# ------------------------------------------------------------------------------------------------------------------- bootstrap


@dataclass(frozen=True, slots=True)
class Draws:
    """Resamples of subjects: each draws as many subjects as there are, with replacement, and takes all rows of each.

    The same subjects, count and seed give the same draws, so that what is judged on one set of them is paired.
    """

    subjects: Array  # sorted, distinct
    count: int
    seed: int

    def units(self, subject: Array) -> Array:
        """Where the subject of each row stands among the subjects."""
        return np.searchsorted(self.subjects, subject)

    def chunks(self, rows: int) -> Iterator[Array]:
        """How often each subject is drawn: float64 "R S", R resamples at a time, chosen so that R * rows fits in a cache."""
        random = streams.generator(self.seed, "bootstrap")
        subjects = len(self.subjects)
        size = max(1, ELEMENTS // max(rows, subjects, 1))
        for first in range(0, self.count, size):
            resamples = min(size, self.count - first)
            drawn = random.integers(0, subjects, (resamples, subjects), np.int32)
            yield np.stack([np.bincount(one, minlength=subjects) for one in drawn]).astype(np.float64)


def distinct(values: Array) -> int:
    """How many values there are, each counted once; at once where they rise, as the subjects of a cohort mostly do."""
    changes = np.diff(values)
    if (changes >= 0).all():
        return int((changes > 0).sum()) + bool(len(values))
    return len(np.unique(values))


def draws(subject: Array, count: int, seed: int) -> Draws:
    """The draws for rows of these subjects."""
    return Draws(np.unique(subject), count, seed)


Weighted = Callable[[Array], Array]  # weights of rows "R N" -> "R" (or "R k")


def bootstrap(subject: Array, statistics: list[Weighted], count: int, seed: int) -> list[Array]:
    """The values of each statistic, "count" (or "count k"), over resamples of the subjects; all see the same resamples."""
    drawn = draws(subject, count, seed)
    unit = drawn.units(subject)
    found: list[list[Array]] = [[] for _ in statistics]
    for counts in drawn.chunks(len(subject)):
        weights = counts[:, unit]
        for values, statistic in zip(found, statistics, strict=True):
            values.append(statistic(weights))
    return [np.concatenate(values) if values else np.zeros(0) for values in found]


def percentiles(samples: Array, confidence: float = 0.95) -> tuple[float, float] | None:
    """The limits between which that share of the defined samples lies; None where too few are defined."""
    defined = samples[~np.isnan(samples)]
    if len(samples) == 0 or len(defined) < max(2, DEFINED * len(samples)):
        return None
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def bands(samples: Array, confidence: float = 0.95) -> tuple[Array, Array]:
    """Pointwise limits "k" of samples "R k"; NaN at a point where too few samples are defined."""
    limits = [percentiles(column, confidence) or (float("nan"), float("nan")) for column in samples.T]
    low, high = np.array(limits).T if limits else (np.zeros(0), np.zeros(0))
    return low, high


def prevalence(event: Array, weights: Array | None = None) -> Array:
    """The share of events."""
    weights = np.ones(len(event)) if weights is None else weights
    return ratio(weights @ np.asarray(event, np.float64), weights.sum(-1))
