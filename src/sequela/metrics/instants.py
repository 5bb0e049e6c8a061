"""Moments that were found held against true ones: R peaks, onsets of anything, in samples, seconds or any other unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Matched:
    """Which moment found stands for which true one; each stands for one at most."""

    found: Array  # int64 "H": places among those found
    true: Array  # int64 "H": places among the true ones
    missed: Array  # int64: places of true ones that nothing stands for
    extra: Array  # int64: places of those found that stand for nothing

    @property
    def sensitivity(self) -> float:
        """NaN where nothing is true."""
        return _share(len(self.true), len(self.missed))

    @property
    def ppv(self) -> float:
        """NaN where nothing was found."""
        return _share(len(self.found), len(self.extra))


def matched(found: Array, true: Array, tolerance: float) -> Matched:
    """As many pairs as can be made of moments no further apart than `tolerance`; both arrays must rise.

    Each true moment, the earliest first, takes the earliest one found that is near enough and free, which makes the most pairs.

    >>> matched(np.array([10, 52, 90]), np.array([12, 50, 70]), 5).sensitivity
    0.6666666666666666
    """
    pairs, i, j = list[tuple[int, int]](), 0, 0
    while i < len(found) and j < len(true):
        if abs(found[i] - true[j]) <= tolerance:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif found[i] < true[j]:
            i += 1
        else:
            j += 1
    mine, theirs = np.array(pairs, np.int64).reshape(-1, 2).T
    return Matched(mine, theirs, _others(len(true), theirs), _others(len(found), mine))


def _others(count: int, taken: Array) -> Array:
    return np.setdiff1d(np.arange(count), taken)


def _share(hits: int, others: int) -> float:
    return hits / (hits + others) if hits + others else float("nan")
