"""Gaps between groups: each with its own interval, and with one that holds for all gaps at once.

Many groups are compared, so the largest gap of many is large by chance. The simultaneous intervals are those of the largest
studentised deviation over the same resamples (max-t; Romano and Wolf 2005, single step), which needs no assumption on how the
gaps hang together: groups overlap, and share their reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from sequela.evaluate.fairness.within import PROPORTIONS, Within
from sequela.evaluate.intervals import percentiles, wilson
from sequela.types import Array

RATIOS = ("observed_expected",)  # compared as group over reference, on the scale of logarithms
WITHIN_ONE = (*PROPORTIONS, "auroc")  # whose differences lie between -1 and 1
COMPARED = (*PROPORTIONS, "auroc", "observed_expected", "mae", "bias")


@dataclass(frozen=True, slots=True)
class Compared:
    """One gap on its own scale (a difference, or the logarithm of a ratio), 0 where there is none."""

    level: str
    metric: str
    point: float
    samples: Array
    limits: tuple[float, float] | None  # of this gap alone
    error: float  # standard error
    reason: str = ""

    @property
    def fixed(self) -> bool:
        """Whether the resamples cannot tell how far it varies: a side of it is 0 or 1 in all of them."""
        return bool(np.nanstd(self.samples) < 0.5 * self.error) if len(self.samples) else False


def compared(group: Within, reference: Within, metric: str, confidence: float) -> Compared | None:
    """The gap of a metric; None where either side is undefined.

    A proportion of 0 or 1 is the same in every resample and would seem to be known exactly: its side then counts with Wilson's
    limits for as many trials as there are subjects, joined with the other's as Newcombe (1998, method 10) does.
    """
    left, right = (float(_scaled(one.point[metric], metric)) for one in (group, reference))
    if not np.isfinite(left - right):
        return None
    samples = _scaled(group.samples[metric], metric) - _scaled(reference.samples[metric], metric)
    samples = np.where(np.isfinite(samples), samples, np.nan)
    if not _exact(group, metric) and not _exact(reference, metric):
        limits = percentiles(samples, confidence)
        error = float(np.nanstd(samples, ddof=1)) if limits else float("nan")
        return Compared(group.level, metric, left - right, samples, limits, error, "" if limits else "undefined too often")
    return _joined(group, reference, metric, confidence, samples)


def _joined(group: Within, reference: Within, metric: str, confidence: float, samples: Array) -> Compared:
    sides = [_side(one, metric, confidence) for one in (group, reference)]
    (left, low, high), (right, below, above) = sides
    limits = (
        left - right - float(np.hypot(left - low, above - right)),
        left - right + float(np.hypot(high - left, right - below)),
    )
    error = (limits[1] - limits[0]) / (2 * NormalDist().inv_cdf((1 + confidence) / 2))
    return Compared(group.level, metric, left - right, samples, limits, error)


def _side(one: Within, metric: str, confidence: float) -> tuple[float, float, float]:
    """A proportion with its limits."""
    point = one.point[metric]
    found = None if _exact(one, metric) else percentiles(one.samples[metric], confidence)
    low, high = found or wilson(point * one.trials[metric], one.trials[metric], confidence)
    return point, low, high


def _exact(one: Within, metric: str) -> bool:
    return metric in PROPORTIONS and len(one.samples[metric]) > 0 and one.point[metric] in (0.0, 1.0)


def _scaled(values: Array | float, metric: str) -> Array:
    scaled = np.asarray(values, np.float64)
    if metric not in RATIOS:
        return scaled
    with np.errstate(divide="ignore", invalid="ignore"):
        logs: Array = np.log(scaled)
    return logs


def unscaled(value: float, metric: str) -> float:
    """Back from the scale of comparison: a difference as it is, a ratio from its logarithm."""
    if metric in RATIOS:
        return float(np.exp(value))
    return float(np.clip(value, -1, 1)) if metric in WITHIN_ONE else float(value)


@dataclass(frozen=True, slots=True)
class Together:
    """The simultaneous interval and adjusted p of one gap of a family, on the scale of comparison; NaN without one."""

    low: float
    high: float
    p: float


def together(family: Sequence[Compared], confidence: float) -> list[Together]:
    """Of all gaps of a family: with that confidence every one lies in its interval; p by the largest deviation, single step.

    Gaps without a standard error have none, and widen nobody else's. Those of which a side is the same in all resamples are held
    to Bonferroni's normal quantile as well.
    """
    counted = [one for one in family if np.isfinite(one.error) and one.error > 0]
    if not counted:
        return [_together(one, 0.0, np.zeros(0), 0) for one in family]
    deviation = np.abs(np.stack([(one.samples - one.point) / one.error for one in counted]))
    largest = np.max(np.where(np.isnan(deviation), 0.0, deviation), 0)
    fixed = sum(one.fixed for one in counted)
    critical = float(np.quantile(largest, confidence, method="higher"))
    if fixed:
        critical = max(critical, NormalDist().inv_cdf(1 - (1 - confidence) / (2 * fixed)))
    return [_together(one, critical, largest, fixed) for one in family]


def _together(one: Compared, critical: float, largest: Array, fixed: int) -> Together:
    if not np.isfinite(one.error):
        return Together(float("nan"), float("nan"), float("nan"))
    if one.error == 0:
        return Together(one.point, one.point, float(one.point == 0))
    size = abs(one.point) / one.error
    p = (1 + int((largest >= size).sum())) / (1 + len(largest))
    if one.fixed:
        p = max(p, min(1.0, fixed * 2 * NormalDist().cdf(-size)))
    return Together(one.point - critical * one.error, one.point + critical * one.error, p)
