"""How well an attribution finds the cells of a planted pattern: the larger absolute part should be the planted cell's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sequela.explain.checks.cells import Cells
from sequela.metrics.discrimination import ranked
from sequela.types import Array, Attribution


@dataclass(frozen=True, slots=True)
class Found:
    """Of each row, float64 "N"; NaN where none or all of its cells are planted."""

    auroc: Array  # 0.5 by chance
    auprc: Array
    planted: Array  # the share of its cells that are planted: the AUPRC by chance


def found(said: Attribution, cells: Cells, truth: Mapping[str, Array]) -> Found:
    """Of each row how its cells are ranked against the truth, bool "S *F" of an input; only cells that were seen are ranked.

    An attribution that is nowhere more than nothing ranks all cells alike, and has the scores of chance.
    """
    size, planted = np.abs(cells.read(said.cells)), cells.read(truth).astype(bool)
    each = [_of_row(*parts) for parts in cells.each(size, planted)]
    return Found(*(np.array(column, np.float64) for column in zip(*each, strict=True))) if each else Found(*[np.zeros(0)] * 3)


def _of_row(size: Array, planted: Array) -> tuple[float, float, float]:
    share = float(planted.mean()) if len(planted) else float("nan")
    if not 0 < share < 1:
        return float("nan"), float("nan"), share
    order = ranked(size, planted)
    return float(order.auroc()), float(order.auprc()), share


def by_chance(cells: Cells, truth: Mapping[str, Array], random: np.random.Generator, orders: int = 10) -> float:
    """The AUPRC of cells in a random order, the mean over rows and so many orders: with few cells it is above their share."""
    planted = cells.read(truth).astype(bool)
    each = [_of_row(random.random(len(own)), own)[1] for _ in range(orders) for (own,) in cells.each(planted)]
    return float(np.nanmean(each))
