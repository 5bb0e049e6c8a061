"""Counts of words as weights: a word counts for more where it is rare among the training rows, and repeats count for less.

    weight = (1 + ln count) * (1 + ln((1 + N) / (1 + rows with it)))       rows then of length 1

Source: Salton and Buckley 1988, in the form of scikit-learn's TfidfVectorizer with `sublinear_tf`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, hstack

from sequela.types import Array, Counts

Blocks = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Weighting:
    """Which columns are read, of the blocks side by side, and what each weighs."""

    blocks: Blocks
    columns: Array  # int64 "Q"
    rarity: Array  # float64 "Q"

    def apply(self, counts: Sequence[Counts]) -> csr_array:
        """float64 "N Q", every row of length 1, or 0 where it has none of the words."""
        found = laid(counts, self.blocks)[:, self.columns]
        found.data = 1 + np.log(found.data)
        weighed = csr_array(found.multiply(self.rarity))
        length = np.sqrt(np.asarray(weighed.power(2).sum(1)))
        whole = csr_array(weighed.multiply(1 / np.where(length > 0, length, 1.0)[:, None]))
        whole.indices, whole.indptr = whole.indices.astype(np.int32), whole.indptr.astype(np.int32)
        return whole


def fit(counts: Sequence[Counts], blocks: Blocks, fewest: int) -> Weighting:
    """From the training rows: columns that fewer of them have than `fewest`, or all have alike, are left out."""
    found = laid(counts, blocks)
    held = np.bincount(found.indices, minlength=found.shape[1])
    columns = np.flatnonzero(held >= fewest)
    return Weighting(blocks, columns, 1 + np.log((1 + found.shape[0]) / (1 + held[columns])))


def laid(counts: Sequence[Counts], blocks: Blocks) -> csr_array:
    """These blocks side by side, float64, without entries that are 0."""
    found = csr_array(hstack([counts[number].values for number in blocks], "csr")).astype(np.float64)
    found.eliminate_zeros()
    return found


def choices(counts: Sequence[Counts]) -> list[Blocks]:
    """Which blocks are tried together: the first, the first two, and so on."""
    return [tuple(range(last)) for last in range(1, len(counts) + 1)]
