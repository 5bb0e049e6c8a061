"""Sparse counts beside the dense columns: which blocks of them a linear model reads, and as what.

A count c becomes log2(1 + c), so that once is 1. Blocks say much of the same (the last visit, all visits), and the columns of one
that tells nothing cost a linear model dearly: so all of them are tried, each alone, and none, and tune chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack

from sequela.types import Array, Counts

Blocks = tuple[int, ...]


def choices(counts: Sequence[Counts]) -> list[Blocks]:
    """Which blocks are tried together: all, each alone, none."""
    each = tuple(range(len(counts)))
    return list(dict.fromkeys([each, *((number,) for number in each), ()]))


def design(dense: Array, counts: Sequence[Counts], blocks: Blocks) -> Any:
    """The dense columns "N F" and these blocks side by side: a csr_array, or the array itself where there is no block."""
    if not blocks:
        return dense
    parts = [csr_array(dense), *(_logged(counts[number].values) for number in blocks)]
    joined = csr_array(hstack(parts, "csr"))
    joined.indices, joined.indptr = joined.indices.astype(np.int32), joined.indptr.astype(np.int32)
    return joined


def named(counts: Sequence[Counts], blocks: Blocks) -> str:
    """The blocks, for the report."""
    return ", ".join(counts[number].label for number in blocks) or "none"


def _logged(values: csr_array) -> csr_array:
    found = values.astype(np.float64)
    found.data = np.log2(1 + found.data)
    return found


def telling(counts: Sequence[Counts], rows: Array, values: Array, most: int) -> Array:
    """The columns, over all blocks laid side by side, that alone tell most of the values of these rows, rising; at most so many.

    By the score test of a regression on that column alone (Rao 1948): its covariance with the values, squared, over its variance.
    """
    if not counts:
        return np.zeros(0, np.int64)
    joined = csr_array(hstack([block.values for block in counts], "csr"))[rows].astype(np.float64)
    centred = values - values.mean(axis=0)
    covariance = joined.T @ centred.reshape(len(rows), -1)
    mean = joined.mean(axis=0)
    variance = joined.power(2).mean(axis=0) - mean**2
    score = (covariance**2).max(axis=1) / np.maximum(variance, 1e-12)
    best = np.argsort(-score, kind="stable")[:most]
    return np.sort(best[score[best] > 0]).astype(np.int64)


def columns(counts: Sequence[Counts], chosen: Array) -> Array:
    """These of the columns of all blocks laid side by side, float32 "N n"."""
    if not len(chosen):
        return np.zeros((counts[0].values.shape[0] if counts else 0, 0), np.float32)
    joined = csr_array(hstack([block.values for block in counts], "csc")[:, chosen])
    found: Array = joined.toarray().astype(np.float32)
    return found
