"""What the rows of development were like, in numbers that name nobody: later data is held against it (development.json).

Every subject stands for one row, drawn by the seed, so that what is compared is independent. A bin holds at least FEWEST of
them, its edges lie between two values met, and a count below FEWEST that would say how many lack or have a value is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from sequela import seed as streams
from sequela.types import Array, Plain

FEWEST = 20  # rows of a bin: fewer might name someone
BINS = 10  # at most, of like size
MOST = 300  # columns of sparse blocks that are told, those that most rows have


class Summary(Struct, frozen=True, kw_only=True):
    """One column. `missing` is None where it, or the rows that have a value, are 1 to FEWEST - 1."""

    name: str
    rows: int
    missing: int | None
    mean: float | None = None  # None where fewer than FEWEST have a value
    spread: float | None = None
    edges: list[float] = []  # rising, between two bins
    counts: list[int] = []  # of the rows that have a value, one more than edges; none where fewer than FEWEST have one


class Calls(Struct, frozen=True, kw_only=True):
    """What was called of one class or label at its threshold, a row a subject of tune."""

    name: str
    threshold: float
    events: int
    called_events: int
    others: int
    called_others: int


class Prevalence(Struct, frozen=True, kw_only=True):
    """How common a class or label was, a row a subject of training."""

    name: str
    rows: int
    events: int


class Development(Struct, frozen=True, kw_only=True):
    """What a bundle tells of the rows it came from."""

    subjects: int  # of training, each with one row
    columns: list[Summary] = []  # of its inputs as plain columns
    judged: int = 0  # subjects of tune, each with one row
    scores: list[Summary] = []  # of the answer on tune: log-odds of a probability, else the value
    calls: list[Calls] = []
    prevalences: list[Prevalence] = []


def one_each(subject: Array, seed: int) -> Array:
    """A row (index) of every subject, drawn at random; in order.

    >>> len(one_each(np.array([7, 7, 8]), 0))
    2
    """
    order = streams.generator(seed, "development").permutation(len(subject))
    _, first = np.unique(subject[order], return_index=True)
    return np.sort(order[first])


def summarised(plain: Plain) -> list[Summary]:
    """Every dense column, and of the sparse ones those that most rows have, as zero or more than that."""
    dense = [summary(name, plain.values[:, k]) for k, name in enumerate(plain.names)]
    return dense + [one for block in plain.counts for one in _present(block.values, block.names)]


def summary(name: str, values: Array) -> Summary:
    """One column of values; NaN where there is none."""
    seen = np.sort(values[np.isfinite(values)].astype(np.float64))
    rows, have = len(values), len(seen)
    told = have not in range(1, FEWEST) and rows - have not in range(1, FEWEST)
    missing = rows - have if told else None
    if have < FEWEST:
        return Summary(name=name, rows=rows, missing=missing)
    edges, counts = _bins(seen)
    mean, spread = float(seen.mean()), float(seen.std())
    return Summary(name=name, rows=rows, missing=missing, mean=mean, spread=spread, edges=edges, counts=counts)


def placed(one: Summary, values: Array) -> Array:
    """The bin of each value, int64; -1 where there is none."""
    place = np.searchsorted(np.array(one.edges), values, side="right")
    return np.where(np.isfinite(values), place, -1)


def _bins(seen: Array) -> tuple[list[float], list[int]]:
    """Up to BINS bins of sorted values, none of fewer than FEWEST; equal values share one."""
    last = np.append(np.flatnonzero(np.diff(seen) > 0), len(seen) - 1)  # the last of each distinct value
    wanted = max(FEWEST, len(seen) / BINS)
    edges: list[float] = []
    counts: list[int] = []
    begin = 0
    for end in last.tolist():
        size, left = end + 1 - begin, len(seen) - end - 1
        if left == 0:
            counts.append(size)
        elif size >= wanted and left >= FEWEST:
            counts.append(size)
            edges.append(float((seen[end] + seen[end + 1]) / 2))
            begin = end + 1
    return edges, counts


def _present(values: Any, names: Sequence[str]) -> list[Summary]:
    """Columns of a sparse block as absent or present, where both are at least FEWEST rows."""
    has = np.asarray((values > 0).sum(0)).ravel()
    rows: int = values.shape[0]
    usual = np.flatnonzero((has >= FEWEST) & (rows - has >= FEWEST))
    kept = np.sort(usual[np.argsort(-has[usual], kind="stable")[:MOST]])
    return [
        Summary(
            name=names[k], rows=rows, missing=0, mean=float(has[k] / rows), edges=[0.5], counts=[int(rows - has[k]), int(has[k])]
        )
        for k in kept.tolist()
    ]
