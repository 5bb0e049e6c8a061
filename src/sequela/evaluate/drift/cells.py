"""Columns laid out as cells: for every test the cells that rows fall into, how many did in development, and which row does now.

A column is tested twice: whether it has a value, and which bin the value falls into. A cell that fewer than EXPECTED of the new
rows would fall into is joined with its neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sequela.study.development import FEWEST, Summary, placed
from sequela.types import Array, Plain

EXPECTED = 5


@dataclass(frozen=True, slots=True)
class Test:
    """One column in one respect."""

    column: Summary
    measure: str  # "missing" or "distribution"
    before: Array  # float64 "K": rows of development in each cell
    cell: Array  # int64 "N": of each new row, -1 for none
    mean: float | None = None  # of the values now

    @property
    def now(self) -> Array:
        """Float64 "K": new rows in each cell."""
        return np.bincount(self.cell[self.cell >= 0], minlength=len(self.before)).astype(np.float64)


def tests(columns: Sequence[Summary], values: Mapping[str, Array]) -> list[Test]:
    """Both tests of every column, where they can say something; `values` float "N" by name, NaN for none."""
    return [test for column in columns for test in _of_column(column, values[column.name])]


def by_name(plain: Plain, wanted: Sequence[Summary]) -> dict[str, Array]:
    """The wanted columns of these rows; a sparse one is dense."""
    place = {name: plain.values[:, k] for k, name in enumerate(plain.names)}
    names = {one.name for one in wanted}
    for block in plain.counts:
        kept = [k for k, name in enumerate(block.names) if name in names]
        dense = np.asarray(block.values[:, kept].todense()) if kept else np.zeros((len(plain.values), 0))
        place |= {block.names[k]: dense[:, i] for i, k in enumerate(kept)}
    return {one.name: place[one.name] for one in wanted}


def _of_column(column: Summary, values: Array) -> Iterator[Test]:
    place = placed(column, values)
    missing = (place < 0).astype(np.int64)
    lack = _lacking(column, float(missing.mean()) if len(missing) else 0.0)
    if 0 < lack + missing.sum() < column.rows + len(missing):
        yield Test(column, "missing", np.array([column.rows - lack, lack], np.float64), missing)
    if len(column.counts) > 1:
        joined = _joined(np.array(column.counts, np.float64), int((place >= 0).sum()))
        if joined.max() > 0:
            mean = float(values[place >= 0].mean())
            yield Test(column, "distribution", np.bincount(joined, column.counts), np.where(place < 0, -1, joined[place]), mean)


def _lacking(column: Summary, share: float) -> float:
    """Rows of development without a value; where that is not told, the number that is nearest to what is found now."""
    if column.missing is not None:
        return column.missing
    near = share * column.rows
    few, many = (1, FEWEST - 1), (column.rows - FEWEST + 1, column.rows - 1)
    low, high = few if column.counts else many
    return float(np.clip(near, low, high))


def _joined(before: Array, rows: int) -> Array:
    """Which of the cells that remain each cell is part of, int64 "K"."""
    expected = before / before.sum() * rows
    cell, filled, found = 0, 0.0, []
    for k, one in enumerate(expected):
        found.append(cell)
        filled += one
        if filled >= EXPECTED and expected[k + 1 :].sum() >= EXPECTED:
            cell, filled = cell + 1, 0.0
    return np.array(found, np.int64)
