"""Quantiles moved apart, or together, until they hold on tune what they promise: conformalised quantile regression, by column.

Romano, Patterson and Candès 2019 (NeurIPS, equations 6 to 8): how far the truth lies outside the interval of a pair of levels
(below 0: inside) is measured on rows that did not train; the interval is widened on both sides by the quantile of it at the share
that the interval promises.

Rows of one patient are alike, so they are no exchangeable rows, and the guarantee of the paper is not theirs. Ours gives each
patient of tune the same weight, whatever their number of rows. What holds then, of patients drawn alike (Lee, Barber and Willett
2023, Distribution-free inference with hierarchical data, theorem 1): a row drawn from a new patient lies in the interval with a
probability of at least the promised share times P / (P + 1), of P patients in tune. It is no promise about one given patient, and
it takes tune to have chosen nothing, while tune has chosen the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.types import Array, Quantiles, Target


def pairs(levels: Sequence[float]) -> list[tuple[int, int]]:
    """The places of the levels that belong together around the middle, outermost first.

    >>> pairs((0.1, 0.25, 0.5, 0.75, 0.9))
    [(0, 4), (1, 3)]
    """
    return [(place, len(levels) - 1 - place) for place in range(len(levels) // 2)]


def widths(around: Quantiles, target: Target, subject: Array) -> Array:
    """What is to be added on both sides of each interval, float64 "K P"; 0 where the truth of a column is known of no row."""
    found = np.zeros((around.values.shape[1], len(around.levels) // 2))
    for column in range(len(found)):
        rows = np.flatnonzero(target.known[:, column])
        weight = shares(subject[rows])
        for place, (low, high) in enumerate(pairs(around.levels) if len(rows) else ()):
            truth, ends = target.values[rows, column], around.values[rows, column]
            outside = np.maximum(ends[:, low] - truth, truth - ends[:, high])
            found[column, place] = weighed_quantile(outside, weight, around.levels[high] - around.levels[low])
    return found


def shares(subject: Array) -> Array:
    """The weight of each row, under which every subject has the same."""
    _, place, count = np.unique(subject, return_inverse=True, return_counts=True)
    shares: Array = 1 / (count[place] * len(count))
    return shares


def weighed_quantile(values: Array, weight: Array, level: float) -> float:
    """The least value up to which at least that share of the weight lies.

    >>> weighed_quantile(np.array([3.0, 1.0, 2.0]), np.full(3, 1 / 3), 0.5)
    2.0
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) >= level * weight.sum() - 1e-12
    return float(values[order][np.argmax(reached)])


def guaranteed(values: Array, subject: Array, level: float) -> float:
    """What the value of a row of a new subject does not pass with at least that probability; infinite where subjects are too few.

    Lee, Barber and Willett 2023: each of P subjects weighs 1 / (P + 1), shared by its rows, and what is left lies at infinity.
    With one row a subject it is the ceil((P + 1) * level)-th least value: split conformal prediction, exact in finite samples.

    >>> guaranteed(np.arange(9.0), np.arange(9), 0.9), guaranteed(np.arange(8.0), np.arange(8), 0.9)
    (8.0, inf)
    """
    subjects = len(np.unique(subject))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(shares(subject)[order]) * subjects / (subjects + 1) >= level - 1e-12
    return float(values[order][np.argmax(reached)]) if reached.any() else float("inf")


def widened(around: Quantiles, width: Array) -> Quantiles:
    """The quantiles moved apart by `width` "K P"; one that would cross its inner neighbour lies upon it."""
    values = around.values.copy()
    for place, (low, high) in reversed(list(enumerate(pairs(around.levels)))):
        values[:, :, low] = np.minimum(values[:, :, low] - width[:, place], values[:, :, low + 1])
        values[:, :, high] = np.maximum(values[:, :, high] + width[:, place], values[:, :, high - 1])
    return Quantiles(around.levels, values)
