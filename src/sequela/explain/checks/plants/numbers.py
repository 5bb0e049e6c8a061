"""A few features shifted in a window of steps, up for one label and down for the other, by so many training spreads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from sequela.explain.checks.cells import cells_seen
from sequela.explain.checks.plants import SHIFT, Put, window
from sequela.explain.checks.stability import spread
from sequela.types import Array, Ragged, Spec

FEATURES = 3  # at most, and at most one in four


@dataclass(frozen=True, slots=True)
class Window:
    """Which features, and by how much."""

    features: Array  # int64 "K"
    by: Array  # float64 "K", in the unit of the scaled values
    spec: Spec
    told: ClassVar[str] = "window"

    def put(self, ragged: Ragged, label: Array, random: np.random.Generator) -> Put:
        """A row in which none of the features was seen gets none."""
        values, seen = np.array(ragged.values), cells_seen(ragged, self.spec)
        truth = np.zeros(seen.shape, bool)
        for row, up in enumerate(label.tolist()):
            own = slice(int(ragged.offsets[row]), int(ragged.offsets[row + 1]))
            here = np.flatnonzero(seen[own][:, self.features].any(1))
            if len(here):
                chosen = window(own.stop - own.start, random, here)
                truth[own][chosen, self.features] = seen[own][chosen, self.features]
                values[own][chosen, self.features] += (self.by if up else -self.by).astype(values.dtype)
        return Put(replace(ragged, values=np.where(truth, values, np.asarray(ragged.values))), truth)


def settle(ragged: Ragged, spec: Spec, random: np.random.Generator) -> Window | None:
    """Features that vary and that many rows have; None where fewer than two vary."""
    values, seen = np.asarray(ragged.values, np.float64), cells_seen(ragged, spec)
    varying = spread(values, seen)
    rows = _rows_with(ragged, seen)
    known = np.flatnonzero((varying > 0) & (rows > 0))
    if len(known) < 2:
        return None
    often = known[np.argsort(-rows[known], kind="stable")][: max(2, -(-len(known) // 2))]
    count = min(FEATURES, max(1, len(known) // 4))
    chosen = np.sort(random.permutation(often)[:count])
    return Window(chosen, SHIFT * varying[chosen], spec)


def _rows_with(ragged: Ragged, seen: Array) -> Array:
    """In how many rows each feature was seen."""
    cumulated = np.concatenate([np.zeros((1, seen.shape[1]), np.int64), np.cumsum(seen, 0)])
    return np.asarray(((cumulated[ragged.offsets[1:]] - cumulated[ragged.offsets[:-1]]) > 0).sum(0))
