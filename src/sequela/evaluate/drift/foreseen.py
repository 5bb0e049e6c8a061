"""What a number of subjects would show: the power for a named change, the subjects that it asks for, the smallest change seen.

"No alarm" is worth as much as what would have raised one. Each function takes the p of one test at which the alarm is raised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from msgspec.structs import replace
from scipy.stats import chi2, ncx2

from sequela.evaluate.drift.facts import Family, Foreseen
from sequela.evaluate.drift.performance import Before
from sequela.study.development import Summary
from sequela.types import Array

NORMAL = NormalDist()
MOST = 10_000_000  # subjects: more is none
INPUT_SHIFT = 0.3  # spreads of a column or of the score: the change that is named
PREVALENCE_FACTOR = 1.5
EXPECTED_FACTOR = 1.25
DROPS = {"auroc": -0.05, "calibration_slope": -0.2}  # of other metrics a tenth of their value
Power = Callable[[float, float], float]  # (change, subjects) -> power


def of_change(
    family: Family, what: str, change: float, subjects: int, power: Power, wanted: float, *, factor: bool = False
) -> Foreseen:
    """The answer to all three questions, of one named change."""
    return Foreseen(
        family=family,
        what=what,
        change=change,
        factor=factor,
        power=power(change, subjects),
        needed=needed(lambda rows: power(change, rows), wanted),
        smallest=_smallest(change, lambda one: power(one, subjects), wanted, factor=factor),
    )


def needed(power: Callable[[float], float], wanted: float) -> int | None:
    """The fewest subjects with that power, by bisection; None where MOST do not have it."""
    low, high = 1, MOST
    if power(high) < wanted:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= wanted else (middle + 1, high)
    return low


def _smallest(change: float, power: Callable[[float], float], wanted: float, *, factor: bool) -> float | None:
    """The smallest change of the same direction that is shown; looked for up to ten times the one that is named."""
    reach = np.geomspace(0.05, 10, 200)
    for share in reach.tolist():
        one = change**share if factor else change * share
        if power(one) >= wanted:
            return float(one)
    return None


def distribution_power(level: float, before: int, bins: int = 10) -> Power:
    """Of a normal column that moves by so many spreads, seen through bins of like size in development."""
    edges = np.array([NORMAL.inv_cdf(k / bins) for k in range(1, bins)])

    def power(change: float, subjects: float) -> float:
        inside = np.diff(np.concatenate([[0], _below(edges - change), [1]]))
        apart = float(((inside - 1 / bins) ** 2 * bins).sum()) / (1 / subjects + 1 / before)
        return float(ncx2.sf(chi2.isf(level, bins - 1), bins - 1, apart))

    return power


def _below(edges: Array) -> Array:
    return np.array([NORMAL.cdf(float(edge)) for edge in edges])


def of_share(one: Summary, level: float, subjects: int, wanted: float, measure: str) -> Foreseen:
    """Of a share that becomes half as large again; or that falls by as much, where all rows together are no such share."""
    share = one.counts[1] / one.rows
    factor = PREVALENCE_FACTOR if share * PREVALENCE_FACTOR <= 1 else 1 / PREVALENCE_FACTOR
    told = of_change("labels", one.name, factor, subjects, share_power(level, share, one.rows), wanted, factor=True)
    return replace(told, measure=measure)


def share_power(level: float, share: float, before: int) -> Power:
    """Of a share that becomes so many times as large."""
    z = NORMAL.inv_cdf(1 - level / 2)

    def power(factor: float, subjects: float) -> float:
        now = min(share * factor, 1.0)
        both = (share * before + now * subjects) / (before + subjects)
        null = math.sqrt(max(both * (1 - both) * (1 / before + 1 / subjects), 1e-300))
        error = math.sqrt(max(share * (1 - share) / before + now * (1 - now) / subjects, 1e-300))
        return NORMAL.cdf((abs(now - share) - z * null) / error)

    return power


def metric_power(level: float, then: Before) -> Power:
    """Of a metric whose error falls with the square root of the rows, as in development."""
    z = NORMAL.inv_cdf(1 - level / 2)

    def power(change: float, subjects: float) -> float:
        error = math.hypot(then.error, then.error * math.sqrt(then.rows / subjects))
        apart = abs(math.log(change)) if then.ratio else abs(change)
        return NORMAL.cdf(apart / max(error, 1e-12) - z)

    return power


def named(then: Before) -> tuple[float, bool]:
    """The change of a metric that is named, and whether it is a factor."""
    if then.ratio:
        return EXPECTED_FACTOR, True
    return DROPS.get(then.metric, -0.1 * abs(then.value)), False
