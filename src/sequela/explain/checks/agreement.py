"""How alike two attributions of the same rows rank their cells."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from sequela.explain.checks.cells import Cells
from sequela.types import Array, Attribution

FEWEST = 3  # cells of a row below which an order says nothing


def rank_correlations(first: Attribution, second: Attribution, cells: Cells, *, signed: bool = False) -> Array:
    """Of each row Spearman's correlation of the absolute parts, float64 "N": 1 the same order, 0 none in common.

    `signed`: of the parts with their signs, and without the sign of the correlation: a map that was turned round is the same map.
    NaN for a row of fewer than three cells, or one of whose attributions is the same in every cell.
    """
    both = [cells.read(one.cells) for one in (first, second)]
    if signed:
        return np.array([abs(spearman(one, other)) for one, other in cells.each(*both)], np.float64)
    return np.array([spearman(one, other) for one, other in cells.each(*map(np.abs, both))], np.float64)


def spearman(first: Array, second: Array) -> float:
    """The correlation of their ranks, ties having the mean of theirs; NaN where one of them does not vary.

    >>> spearman(np.array([1.0, 2.0, 9.0]), np.array([1.0, 5.0, 6.0]))
    1.0
    """
    if len(first) < FEWEST:
        return float("nan")
    one, other = (rankdata(values) - (len(values) + 1) / 2 for values in (first, second))
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 0 else float("nan")
