"""A coded history as plain columns: counts of every code, which are 0 nearly everywhere, and a few numbers of the visits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from sequela.modalities._beside import NAMES
from sequela.modalities._visits import Sets, Visits
from sequela.types import Array, Counts, Plain

DENSE = ("visits.count", "codes.count", "age", "days_since_visit_before", "days_of_visit", "days_ago")


def counts(rows: int, visits: Visits, entry: Array, sets: Sets, tokens: Sequence[str]) -> tuple[Counts, Counts]:
    """Whether the last visit of each row has a token, and how many of its visits do; number 0, the unknown, is one of them."""
    held = csr_array((np.ones(len(sets.tokens), np.float32), sets.tokens, sets.offsets), shape=(sets.shape[0], len(tokens)))
    ends = _ends(rows, visits)
    last = csr_array((np.ones(len(ends), np.float32), (visits.row[ends], entry[ends])), shape=(rows, sets.shape[0]))
    every = csr_array((np.ones(len(entry), np.float32), (visits.row, entry)), shape=(rows, sets.shape[0]))
    return _named("last", last @ held, tokens), _named("visits", every @ held, tokens)


def _named(label: str, values: csr_array, tokens: Sequence[str]) -> Counts:
    return Counts(csr_array(values), tuple(f"{label}.{token}" for token in tokens), label)


def summary(rows: int, visits: Visits, numbers: Array, last: Counts) -> Plain:
    """DENSE of each row: how many visits, codes of the last one, and what `_beside.raw` says of that; NaN where there is none."""
    values = np.full((rows, len(DENSE)), np.nan, np.float32)
    values[:, 0] = np.bincount(visits.row, minlength=rows)
    values[:, 1] = last.values.sum(1)
    ends = _ends(rows, visits)
    values[visits.row[ends], 2:] = numbers[ends][:, [NAMES.index(name) for name in ("age", "gap", "length", "ago")]]
    return Plain(values, DENSE)


def _ends(rows: int, visits: Visits) -> Array:
    """The last visit of each row that has any."""
    held = np.bincount(visits.row, minlength=rows)
    found: Array = np.cumsum(held)[held > 0] - 1
    return found
