"""How far several groups lie apart in one number: equalised odds, demographic parity, equal calibration.

The largest less the smallest of several groups is never 0, however alike they are. Beside each stands what chance alone would
give: the same over the deviations of the resamples from what was found, in which all groups have the same rates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sequela.evaluate.fairness.facts import Spread, Worst
from sequela.evaluate.fairness.within import Within
from sequela.evaluate.intervals import percentiles
from sequela.types import Array

ODDS = ("sensitivity", "specificity")
RANKED = ("sensitivity", "specificity", "ppv", "auroc")  # where more is better
NEAREST: Mapping[str, Callable[[float], float]] = {  # where a value is the better the nearer it is to one that is right
    "observed_expected": lambda value: abs(float(np.log(value))) if value > 0 else float("inf"),
    "mae": lambda value: value,
    "bias": abs,
}


def spreads(groups: Sequence[Within]) -> list[Spread]:
    """Of two groups or more; none of fewer, or where a rate is undefined."""
    found = [
        _spread("equalised_odds_difference", groups, ODDS, difference),
        _spread("equalised_odds_ratio", groups, ODDS, least_ratio),
        _spread("selection_rate_difference", groups, ("selection_rate",), difference),
        _spread("selection_rate_ratio", groups, ("selection_rate",), least_ratio),
        _spread("mae_difference", groups, ("mae",), difference),
    ]
    return [one for one in found if one is not None]


def difference(rates: Array) -> Array:
    """The largest distance between two groups in any of the rates "M G …": over rates the largest (fairlearn's worst case)."""
    apart: Array = (rates.max(1) - rates.min(1)).max(0)
    return apart


def least_ratio(rates: Array) -> Array:
    """The least quotient of two groups in any of the rates "M G …", 1 where they are alike; of specificity, of its complement.

    0 / 0 is 1: groups that are never called alike are alike.
    """
    smallest, largest = rates.min(1), rates.max(1)
    quotient: Array = np.where(largest > 0, smallest / np.where(largest > 0, largest, 1), 1.0).min(0)
    return quotient


def _spread(name: str, groups: Sequence[Within], metrics: Sequence[str], how: Callable[[Array], Array]) -> Spread | None:
    if len(groups) < 2 or any(metric not in group.point for metric in metrics for group in groups):
        return None
    ratio = how is least_ratio
    point = np.array([[_rate(group.point[metric], metric, ratio) for group in groups] for metric in metrics])
    if np.isnan(point).any():
        return None
    value = float(how(point))
    samples = np.array([[_rate(group.samples[metric], metric, ratio) for group in groups] for metric in metrics])
    samples = samples[:, :, ~np.isnan(samples).any((0, 1))]
    if not samples.shape[2]:
        return Spread(name=name, value=value)
    alike = np.clip(samples - point[:, :, None] + point.mean(1)[:, None, None], 0, None)
    by_chance = how(alike)
    as_far = by_chance <= value if ratio else by_chance >= value
    p = (1 + int(as_far.sum())) / (1 + len(by_chance))
    return Spread(name=name, value=value, chance=float(np.median(by_chance)), p=p)


def _rate(values: float | Array, metric: str, ratio: bool) -> Array:
    """As it is; in a ratio the false-positive rate in place of specificity."""
    return np.asarray(1 - values if ratio and metric == "specificity" else values)


def worst(groups: Sequence[Within], confidence: float) -> list[Worst]:
    """For each metric the group for which it is least good; none where fewer than two have it."""
    found = []
    for metric in (*RANKED, *NEAREST):
        those = [group for group in groups if np.isfinite(group.point.get(metric, np.nan))]
        if len(those) > 1:
            one = _worst_of(those, metric)
            low, high = percentiles(one.samples[metric], confidence) or (None, None)
            found.append(Worst(metric=metric, level=one.level, value=one.point[metric], low=low, high=high))
    return found


def _worst_of(groups: Sequence[Within], metric: str) -> Within:
    badness = NEAREST.get(metric)
    values = [group.point[metric] for group in groups]
    bad = [-value if badness is None else badness(value) for value in values]
    return groups[int(np.argmax(bad))]
