"""What a Brier score is made of, and the test of rows grouped by their risk.

`risk` is float "N", `event` bool "N", `place` int "N" the bin of each row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Murphy:
    """The Brier score as reliability - resolution + uncertainty + within (Murphy 1973; Stephenson 2008 for what bins leave)."""

    reliability: float  # of the bins: 0 where each has as many events as foreseen
    resolution: float  # how far the shares of events of the bins lie apart
    uncertainty: float  # of the outcome itself
    within: float  # what telling rows of one bin apart adds; 0 where all have one risk


def murphy(risk: Array, event: Array, place: Array) -> Murphy:
    """The parts; they add up to the Brier score.

    >>> murphy(np.array([0.2, 0.2, 0.8, 0.8]), np.array([0, 1, 1, 1], bool), np.array([0, 0, 1, 1]))
    Murphy(reliability=0.065, resolution=0.0625, uncertainty=0.1875, within=0.0)
    """
    rows, events, risks = _by_bin(risk, event, place)
    share, prevalence = events / rows, float(np.mean(event))
    reliability = float(np.sum(rows * np.square(risks / rows - share)) / rows.sum())
    resolution = float(np.sum(rows * np.square(share - prevalence)) / rows.sum())
    uncertainty = prevalence * (1 - prevalence)
    brier = float(np.mean(np.square(risk - event)))
    parts = (reliability, resolution, uncertainty, brier - reliability + resolution - uncertainty)
    return Murphy(*(round(part, 12) + 0.0 for part in parts))


@dataclass(frozen=True, slots=True)
class HosmerLemeshow:
    """Chi-square of the events of each bin against those foreseen."""

    statistic: float
    bins: int  # the degrees of freedom on rows that the model was not fitted to
    p: float


def hosmer_lemeshow(risk: Array, event: Array, place: Array) -> HosmerLemeshow:
    """The statistic of Hosmer and Lemeshow (1980), rows taken as independent; infinite where a bin cannot hold what it holds.

    With as many degrees of freedom as bins, since nothing was fitted to these rows (two fewer where the model was).
    """
    rows, events, risks = _by_bin(risk, event, place)
    variance = risks * (1 - risks / rows)
    apart = np.square(events - risks)
    each = np.divide(apart, variance, out=np.where(apart > 0, np.inf, 0.0), where=variance > 0)
    statistic = float(each.sum())
    return HosmerLemeshow(statistic, len(rows), float(chi2.sf(statistic, len(rows))))


def _by_bin(risk: Array, event: Array, place: Array) -> tuple[Array, Array, Array]:
    """Rows, events and the sum of the risks of each bin that has rows."""
    number = np.unique(place, return_inverse=True)[1]
    return np.bincount(number), np.bincount(number, event), np.bincount(number, risk)
