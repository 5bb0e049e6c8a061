"""How far the truth of a quantity may lie from what is said of it: conformalised residuals (Lei 2018, JASA 113:1094).

The range is as wide on either side and the same for every row, so it promises for rows in the mean: where errors grow with the
quantity, it is too wide for the small ones and too narrow for the large ones.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from sequela.evaluate.conformal import guaranteed
from sequela.types import Answer, Array, Target


class Ranges(Struct, frozen=True):
    """Of each quantity how far its truth may lie away: plain numbers that survive JSON."""

    names: tuple[str, ...]
    coverage: float
    halves: tuple[float | None, ...]  # in the unit of the quantity; None: for want of subjects nothing is promised
    subjects: tuple[int, ...]  # that each was measured on

    def around(self, answer: Answer) -> tuple[Array, Array]:
        """The lower and the upper end, float64 "N K" each; infinite where nothing is promised."""
        half = np.array([np.inf if one is None else one for one in self.halves])
        return answer.values - half, answer.values + half


def fit(answer: Answer, target: Target, subject: Array, coverage: float) -> Ranges:
    """The ranges that hold, of a row of a new subject like those of these rows, what they promise."""
    halves: list[float | None] = []
    counts: list[int] = []
    for column in range(len(answer.names)):
        rows = target.known[:, column]
        away = np.abs(target.values[rows, column] - answer.values[rows, column])
        found = guaranteed(away, subject[rows], coverage)
        halves.append(found if np.isfinite(found) else None)
        counts.append(len(np.unique(subject[rows])))
    return Ranges(answer.names, coverage, tuple(halves), tuple(counts))
