"""Whether the parts of a row sum to what they should: what is told of the row, less what is told of what it is compared with.

A method may be complete and wrong (its parts sum, and lie in the wrong cells), so this check finds errors of its arithmetic
alone: too few points of a path, a cell that was left out, padding that took a share.
"""

from __future__ import annotations

import numpy as np

from sequela.contracts import Evidence
from sequela.types import Array, Attribution, Ragged

TOLERANCE = 0.05  # of the difference, or of 1 where that is smaller


def gaps(said: Attribution, rows: Evidence) -> Array:
    """Of each row how far the sum of its parts is from told - rest, in units of that or of 1 where it is smaller, float64 "N".

    NaN where the method compares with nothing.
    """
    difference = said.told - said.rest
    return np.asarray(np.abs(sums(said, rows) - difference) / np.maximum(1.0, np.abs(difference)))


def sums(said: Attribution, rows: Evidence) -> Array:
    """The sum of all parts of each row: of cells, of numbers beside steps, and of numbers of the row, float64 "N"."""
    found = np.zeros(len(rows))
    for parts in (said.cells, said.side):
        for name, values in parts.items():
            found += _by_row(values, rows.inputs[name])
    for values in said.context.values():
        found += values.sum(1)
    return found


def _by_row(values: Array, ragged: Ragged) -> Array:
    each = np.asarray(values, np.float64).reshape(len(values), -1).sum(1) if len(values) else np.zeros(0)
    cumulated = np.concatenate([[0.0], np.cumsum(each)])
    return np.asarray(cumulated[ragged.offsets[1:]] - cumulated[ragged.offsets[:-1]])
