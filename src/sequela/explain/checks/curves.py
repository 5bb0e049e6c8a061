"""How far the answer moves as the cells that are said to count are taken away (deletion), or given alone (insertion).

Cells go in the order of their absolute attribution, and beside that in a random order (Samek 2017, of pixels). With the cells
that count the answer should go at once, and come back at once. Both are told as the distance from the answer to the whole row,
so that cells that speak against it count as much as those that speak for it.

The rows are then unlike those that the network learnt from, and it may answer oddly for that alone: so only the difference from
the random order is a result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sequela.contracts import Evidence
from sequela.explain.checks import Asking
from sequela.explain.checks.cells import Cells, without
from sequela.types import Array, Attribution

SHARES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75)  # of a row's cells


@dataclass(frozen=True, slots=True)
class Moved:
    """How far what is told moved from what is told of the whole row, float64 "N P", after each share of the cells."""

    shares: tuple[float, ...]  # P
    deletion: Array  # the cells that count most taken away
    deletion_random: Array
    insertion: Array  # those given alone
    insertion_random: Array

    @property
    def deletion_gain(self) -> Array:
        """Of each row how much farther the answer goes than by chance, in the mean over the shares: above 0 is better."""
        return np.asarray((self.deletion - self.deletion_random).mean(1))

    @property
    def insertion_gain(self) -> Array:
        """Of each row how much nearer the answer comes than by chance: above 0 is better."""
        return np.asarray((self.insertion_random - self.insertion).mean(1))


def moved(
    said: Attribution,
    rows: Evidence,
    cells: Cells,
    asking: Asking,
    random: np.random.Generator,
    step: Callable[[int, int], None] | None = None,
) -> Moved:
    """Both curves of rows that were laid out, and the same in a random order. `step` is told how many questions were asked."""
    size = np.abs(cells.read(said.cells))
    ranks = [_rank(size + 0.0, cells), _rank(random.random(len(cells)), cells)]
    count = np.repeat(np.diff(cells.offsets), np.diff(cells.offsets))
    found: list[list[Array]] = [[], [], [], []]
    for number, share in enumerate(SHARES):
        first = [rank < np.ceil(share * count) for rank in ranks]
        for values, gone in zip(found, [*first, *[~one for one in first]], strict=True):
            values.append(np.abs(asking(without(rows, cells.spread(gone)), said.column) - said.told))
        if step is not None:
            step(number + 1, len(SHARES))
    own, chance, own_alone, chance_alone = (np.stack(values, 1) for values in found)
    return Moved(SHARES, own, chance, own_alone, chance_alone)


def _rank(size: Array, cells: Cells) -> Array:
    """Of each cell how many cells of its row are larger, int64 "M"; of equal ones the first counts as the larger."""
    order = np.lexsort((-size, cells.row))
    found = np.empty(len(cells), np.int64)
    found[order] = np.arange(len(cells))
    return found - cells.offsets[:-1][cells.row]
