"""How fine a method has to be: as many points as leave the order of the cells as it is when there are twice as many.

A path that is cut too coarsely gives another order with each cutting. What settles is the method's own answer, right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sequela.contracts import Evidence
from sequela.explain.checks import Explainer
from sequela.explain.checks.agreement import rank_correlations
from sequela.explain.checks.cells import Cells

FIRST, MOST = 8, 256
LEVEL = 0.95  # rank correlation of two fine enough


@dataclass(frozen=True, slots=True)
class Settled:
    """The points that were chosen, and what was tried."""

    points: int
    tried: tuple[tuple[int, float], ...]  # points, and the mean rank correlation with half as many
    settled: bool  # else the most that are allowed did not suffice


def settled(
    of_points: Callable[[int], Explainer], rows: Evidence, cells: Cells, *, first: int = FIRST, most: int = MOST
) -> Settled:
    """The fewest points, by doubling, whose order of the cells is that of half as many; the correlation is the mean over rows."""
    tried: list[tuple[int, float]] = []
    points, said = first, of_points(first)(rows)
    while 2 * points <= most:
        points *= 2
        finer = of_points(points)(rows)
        same = rank_correlations(said, finer, cells)
        tried.append((points, float(np.nanmean(same)) if not np.isnan(same).all() else float("nan")))
        if tried[-1][1] >= LEVEL:
            return Settled(points, tuple(tried), True)
        said = finer
    return Settled(points, tuple(tried), False)
