"""How well a set of labels was told of each row: a set of findings, of diagnoses, of medications.

`called` and `true` are bool "N K"; `known` bool "N K" says which labels of a row are known (the others belong in neither set);
`risk` float "N K". Weights as in `sums`. A mean over rows weighs a row with a long set no more than another.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import mean, ratio, total
from sequela.types import Array


def jaccard(called: Array, true: Array, weights: Array | None = None) -> Array:
    """The mean over rows of what the two sets share, of all that either holds (Jaccard 1912); two empty sets agree: 1.

    >>> float(jaccard(np.array([[True, True, False]]), np.array([[True, False, False]])))
    0.5
    """
    return mean(each_jaccard(called, true), weights)


def each_jaccard(called: Array, true: Array) -> Array:
    """Of each row, float "N"."""
    either = (called | true).sum(1)
    return np.where(either > 0, (called & true).sum(1) / np.maximum(either, 1), 1.0)


def set_f1(called: Array, true: Array, weights: Array | None = None) -> Array:
    """The mean over rows of the harmonic mean of sensitivity and PPV of the set; two empty sets agree: 1."""
    both, sizes = (called & true).sum(1), called.sum(1) + true.sum(1)
    return mean(np.where(sizes > 0, 2 * both / np.maximum(sizes, 1), 1.0), weights)


def micro_f1(called: Array, true: Array, weights: Array | None = None) -> Array:
    """F1 of all labels of all rows together; NaN where nothing was called and nothing happened."""
    both, sizes = (called & true).sum(1), called.sum(1) + true.sum(1)
    return ratio(2 * total(both, weights), total(sizes, weights))


def each_auprc(risk: Array, true: Array, known: Array) -> Array:
    """Of each row the average precision of its labels ranked by risk, float "N"; NaN where none of them is true.

    Labels of one risk are called together, as in `discrimination.auprc`.
    """
    found = np.full(len(risk), np.nan)
    for row in np.flatnonzero((true & known).any(1)):
        found[row] = _average_precision(risk[row, known[row]], true[row, known[row]])
    return found


def _average_precision(risk: Array, true: Array) -> float:
    order = np.argsort(-risk, kind="stable")
    falling, hits = risk[order], np.cumsum(true[order])
    last = np.flatnonzero(np.append(np.diff(falling) != 0, True))  # of each run of equal risks
    precision, gained = hits[last] / (last + 1), np.diff(np.append(0, hits[last]))
    return float((precision * gained).sum() / hits[-1])


def row_auprc(each: Array, weights: Array | None = None) -> Array:
    """The mean of `each_auprc` over the rows in which it is defined."""
    defined = ~np.isnan(each)
    return ratio(total(np.where(defined, each, 0.0), weights), total(defined, weights))


def set_size(called: Array, weights: Array | None = None) -> Array:
    """The mean number of labels called of a row."""
    return mean(called.sum(1), weights)


def pairs(called: Array, interacts: Array) -> tuple[Array, Array]:
    """Of each row how many pairs of its labels interact, and how many pairs it has; `interacts` is bool "K K", symmetric."""
    size = called.sum(1)
    interacting = np.einsum("ni,ij,nj->n", called.astype(np.float64), interacts.astype(np.float64), called, optimize=True) / 2
    return interacting, size * (size - 1) / 2


def ddi_rate(called: Array, interacts: Array, weights: Array | None = None) -> Array:
    """The share of the pairs called together that interact (Shang 2019, the DDI rate); NaN where no row has a pair.

    >>> float(ddi_rate(np.array([[True, True, True]]), np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], bool)))
    0.3333333333333333
    """
    interacting, possible = pairs(called, interacts)
    return ratio(total(interacting, weights), total(possible, weights))


def barred_rate(called: Array, barred: Array, weights: Array | None = None) -> Array:
    """The share of the labels called that a constraint rules out of their row; NaN where nothing was called."""
    return ratio(total((called & barred).sum(1), weights), total(called.sum(1), weights))


def ddi_rate_given(true: Array, interacts: Array, weights: Array | None = None) -> Array:
    """`ddi_rate` of what was really given: how the records themselves fare."""
    return ddi_rate(true, interacts, weights)


def barred_rate_given(true: Array, barred: Array, weights: Array | None = None) -> Array:
    """`barred_rate` of what was really given."""
    return barred_rate(true, barred, weights)
