"""The least number of patients to validate a model for a yes-or-no outcome (Riley 2021, Stat Med 40:4230; Archer 2021).

Each follows from the width of a 95 % interval: of observed / expected, of the calibration slope, and of the C statistic.
"""

from __future__ import annotations

from math import ceil, log, sqrt

import numpy as np
from msgspec import Struct
from scipy.special import expit

from sequela.errors import UsageError
from sequela.evaluate.size.developing import NORMAL, Needed, fewest
from sequela.types import Array

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(120)


class Widths(Struct, frozen=True, kw_only=True):
    """How wide the 95 % intervals may be."""

    observed_expected: float = 0.2
    slope: float = 0.2
    c_statistic: float = 0.1


class Validation(Struct, frozen=True, kw_only=True):
    """The least number of rows, each of another patient, and what it follows from."""

    rows: int
    needed: list[Needed]
    events: float


def binary(prevalence: float, c_statistic: float, mean: float, spread: float, widths: Widths | None = None) -> Validation:
    """For a calibrated model whose linear predictor is normal with that mean and standard deviation in the patients to come.

    Raises UsageError for numbers that cannot be.

    >>> binary(0.018, 0.8, -5, 2.5, Widths(observed_expected=1.0)).rows
    4554
    """
    weights = _WEIGHTS / _WEIGHTS.sum()
    return of_scores(prevalence, c_statistic, mean + spread * _NODES, widths or Widths(), weights)


def of_scores(prevalence: float, c_statistic: float, scores: Array, widths: Widths, weights: Array | None = None) -> Validation:
    """The same where the linear predictors "N" themselves are known, weighed alike or by `weights`."""
    _can_be(prevalence, c_statistic, widths)
    needed = [
        Needed(criterion="observed / expected", rows=observed_expected(prevalence, widths.observed_expected)),
        Needed(criterion="calibration slope", rows=slope(scores, widths.slope, weights)),
        Needed(criterion="C statistic", rows=c(c_statistic, prevalence, widths.c_statistic)),
    ]
    rows = max(one.rows for one in needed)
    return Validation(rows=rows, needed=needed, events=rows * prevalence)


def _can_be(prevalence: float, c_statistic: float, widths: Widths) -> None:
    if not 0 < prevalence < 1:
        raise UsageError(f"a prevalence lies between 0 and 1, not at {prevalence:g}")
    if not 0.5 <= c_statistic < 1:
        raise UsageError(f"a C statistic lies between 0.5 and 1, not at {c_statistic:g}")
    if min(widths.observed_expected, widths.slope, widths.c_statistic) <= 0:
        raise UsageError("an interval cannot be of no width")


def observed_expected(prevalence: float, width: float) -> int:
    """Rows for that width where as many events come as are expected: exp(1.96 se) - exp(-1.96 se) is the width (equation 4).

    >>> observed_expected(0.018, 1.0)
    906
    """
    error = log(width / 2 + sqrt(1 + width**2 / 4)) / NORMAL
    return ceil((1 - prevalence) / (prevalence * error**2))


def slope(scores: Array, width: float, weights: Array | None = None) -> int:
    """Rows for that width of the calibration slope, from the information of these linear predictors (equation 7)."""
    variance = slope_variance(scores, weights)
    return ceil(variance / (width / (2 * NORMAL)) ** 2)


def slope_variance(scores: Array, weights: Array | None = None) -> float:
    """The variance of the slope of a calibrated model, times the number of rows. Raises UsageError where all scores are one."""
    if not tells_slope(scores, weights):
        raise UsageError("linear predictors that do not differ tell no calibration slope")
    middle, left = _information(scores, weights)
    return middle / left


def tells_slope(scores: Array, weights: Array | None = None) -> bool:
    """Whether these linear predictors differ enough for a calibration slope."""
    middle, left = _information(scores, weights)
    return left > 1e-9 * middle**2


def _information(scores: Array, weights: Array | None) -> tuple[float, float]:
    """That of the intercept, and the determinant of that of intercept and slope."""
    weights = np.full(len(scores), 1 / len(scores)) if weights is None else weights
    risk = expit(scores)
    each = weights * risk * (1 - risk)
    middle, first, second = each.sum(), each @ scores, each @ scores**2
    return float(middle), float(middle * second - first**2)


def c_error(c_statistic: float, prevalence: float, rows: int) -> float:
    """The standard error of the C statistic of so many rows (Newcombe 2006, as equation 9)."""
    lesser, more = (1 - c_statistic) / (2 - c_statistic), c_statistic / (1 + c_statistic)
    spread = c_statistic * (1 - c_statistic) * (1 + (rows / 2 - 1) * (lesser + more))
    return sqrt(spread / (rows**2 * prevalence * (1 - prevalence)))


def c(c_statistic: float, prevalence: float, width: float) -> int:
    """Rows for that width of the C statistic, by halving.

    >>> c(0.8, 0.018, 0.1)
    4252
    """
    return fewest(2, lambda rows: 2 * NORMAL * c_error(c_statistic, prevalence, rows) <= width)
