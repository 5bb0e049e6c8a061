"""Rows that are the same, or all but the same, as others: found from plain columns, whatever kind of input they sum up.

Chance is reckoned with: rows that say too little to be told apart are left aside, and how close two different rows may come by
chance is judged from how many directions the data varies in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela import seed as streams
from sequela.types import Array

TELLING = 6  # different uncommon values that a row needs before it could be recognised
DISTINCT = 10  # values that a column takes at least, to tell rows apart
COMMON = 0.02  # share of the rows from which a column's commonest value recognises nobody
DIRECTIONS = 64  # of the random projection in which nearness is judged (Johnson and Lindenstrauss 1984)
NEIGHBOURS = 10
CHANCE = 0.01  # near-duplicates expected by chance in all of the data
CLOSEST = 0.2  # of the distance to the tenth neighbour: nothing farther is called near, however many directions there are
ASKED = 4000  # rows looked up at most; exact copies are sought among all


@dataclass(frozen=True, slots=True)
class Pair:
    """A row, and one of another part that it resembles."""

    row: int
    other: int


def telling(values: Array) -> tuple[Array, Array]:
    """The columns that tell rows apart, float32 "N P", and the rows that say enough to be recognised, bool "N"."""
    columns = [number for number in range(values.shape[1]) if _distinct(values[:, number]) >= DISTINCT]
    kept = np.ascontiguousarray(values[:, columns], np.float32)
    uncommon = np.isfinite(kept)
    for number in range(kept.shape[1]):
        uncommon[:, number] &= kept[:, number] != _commonest(kept[:, number])
    ordered = np.sort(np.where(uncommon, kept, np.inf), 1)
    new = np.isfinite(ordered)
    new[:, 1:] &= ordered[:, 1:] > ordered[:, :-1]
    return kept, new.sum(1) >= TELLING


def copies(values: Array, held_out: Array, subject: Array) -> list[Pair]:
    """Rows of `held_out` (bool "N") that equal, to the bit, a row outside it of another subject."""
    kept, rows = telling(values)
    if not kept.shape[1]:
        return []
    key = _fingerprints(kept)
    source = np.flatnonzero(rows & ~held_out)
    order = source[np.argsort(key[source], kind="stable")]
    asked = np.flatnonzero(rows & held_out)
    place = np.searchsorted(key[order], key[asked])
    found = np.append(order, -1)[np.minimum(place, len(order))]
    same = (found >= 0) & (key[found] == key[asked]) & (subject[found] != subject[asked])
    return [Pair(int(row), int(other)) for row, other in zip(asked[same], found[same], strict=True)]


def _fingerprints(kept: Array) -> Array:
    """uint64 "N": equal rows (every NaN as one, -0 as 0) have equal ones, others all but surely not."""
    drawn = streams.generator(0, "fingerprint").integers(0, 2**62, kept.shape[1])
    factors = (2 * drawn + 1).astype(np.uint64)  # odd, so that no bit of a value is lost
    key = np.zeros(len(kept), np.uint64)
    for column, factor in zip(kept.T, np.asarray(factors), strict=True):
        bits = np.where(np.isnan(column), np.float32(np.nan), column + np.float32(0)).view(np.uint32).astype(np.uint64)
        key += (bits + np.uint64(1)) * factor
        key ^= key >> np.uint64(29)
    return key


def near_copies(values: Array, held_out: Array, subject: Array, seed: int) -> list[Pair]:
    """Rows of `held_out` far closer to one row outside it, of another subject, than to others, yet not equal to it.

    The distance to the nearest of ten neighbours, as a share of that to the tenth, is below t with a chance of about 9 t^d in d
    directions; d is read off the median share (after Facco 2017, Scientific Reports 7:12140, who use two neighbours).
    """
    kept, rows = telling(values)
    source, asked = np.flatnonzero(rows & ~held_out), np.flatnonzero(rows & held_out)
    if len(source) < 2 * NEIGHBOURS or not len(asked):
        return []
    random = streams.generator(seed, "likeness")
    asked = np.sort(random.permutation(asked)[:ASKED])
    points = _projected(kept, random)
    distance, neighbour = _nearest(points, source, asked)
    limit = _limit(distance)
    near = (distance[:, 0] < limit * distance[:, -1]) & (subject[neighbour] != subject[asked])
    near &= ~np.array([np.array_equal(kept[a], kept[b], equal_nan=True) for a, b in zip(asked, neighbour, strict=True)], bool)
    return [Pair(int(row), int(other)) for row, other in zip(asked[near], neighbour[near], strict=True)]


def _limit(distance: Array) -> float:
    """The share of the distance to the tenth neighbour below which chance does not bring two rows."""
    share = distance[:, 0] / np.maximum(distance[:, -1], 1e-12)
    middle = float(np.clip(np.median(share), 1e-6, 1 - 1e-6))
    directions = np.log(1 - 0.5 ** (1 / (NEIGHBOURS - 1))) / np.log(middle)
    return float(min(CLOSEST, (CHANCE / ((NEIGHBOURS - 1) * len(share))) ** (1 / max(directions, 1e-6))))


def _nearest(points: Array, source: Array, asked: Array) -> tuple[Array, Array]:
    """Distances to the ten nearest source rows, rising, "n 10", and the nearest itself, "n"."""
    base = points[source]
    square = (base**2).sum(1)
    distance, neighbour = np.empty((len(asked), NEIGHBOURS)), np.empty(len(asked), np.int64)
    for start in range(0, len(asked), 256):
        chunk = points[asked[start : start + 256]]
        rough = square - 2 * (chunk @ base.T)
        ten = np.argpartition(rough, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        exact = np.sqrt(((base[ten].astype(np.float64) - chunk[:, None]) ** 2).sum(2))
        distance[start : start + 256] = np.sort(exact, 1)
        neighbour[start : start + 256] = source[ten[np.arange(len(ten)), exact.argmin(1)]]
    return distance, neighbour


def _projected(kept: Array, random: np.random.Generator) -> Array:
    """The columns, each by its median and spread and clipped, in so few random directions that all pairs can be compared."""
    centre = np.nanmedian(kept, 0)
    spread = np.nanmean(np.abs(kept - centre), 0)
    scaled: Array = np.clip(np.nan_to_num((kept - centre) / np.where(spread > 0, spread, 1)), -5, 5)
    if kept.shape[1] <= DIRECTIONS:
        return np.asarray(scaled, np.float32)
    across = random.normal(size=(kept.shape[1], DIRECTIONS)) / np.sqrt(DIRECTIONS)
    projected: Array = (scaled @ across.astype(np.float32)).astype(np.float32)
    return projected


def _distinct(column: Array) -> int:
    return len(np.unique(column[np.isfinite(column)]))


def _commonest(column: Array) -> float:
    """The value that more than `COMMON` of the rows have most often; NaN where there is none."""
    values, count = np.unique(column[np.isfinite(column)], return_counts=True)
    return float(values[count.argmax()]) if count.max() > max(2, COMMON * len(column)) else np.nan
