"""The intervals around a beat against those of its row: its median, its slow and quick ends, and the beats nearby."""

from __future__ import annotations

import numpy as np

from sequela.types import Array

NAMES = (
    "before_median",
    "after_median",
    "before_slow",
    "before_quick",
    "before_near",
    "after_near",
    "second_before_near",
    "second_after_near",
    "third_after_near",
    "both_near",
    "near_median",
    "near_irregular",
    "row_spread",
)
NEAR = 10  # intervals on each side of a beat's own that are nearby
QUANTILES = (0.1, 0.5, 0.9)  # quick, median and slow intervals of a row
LEAST = 1e-3  # seconds
MOST = 4.0


def pace(group: Array, interval: Array) -> Array:
    """The columns NAMES, float32 "S 13": logarithms of ratios of intervals; NaN where a beat is not known.

    `interval` "S": seconds from the beat before, NaN where unknown; beats are sorted by `group`, then time.
    """
    own = np.log(np.maximum(interval, LEAST))
    at = {way: _neighbour(own, group, way) for way in (-1, 1, 2, 3)}
    quick, median, slow = _quantiles(group, own)
    near = _near(own, group)
    uneven = _near(np.abs(own - at[-1]), group)
    both = np.log((np.exp(own) + np.exp(at[1])) / 2)
    against_row = [own - median, at[1] - median, own - slow, own - quick]
    against_near = [own - near, at[1] - near, at[-1] - near, at[2] - near, at[3] - near, both - near]
    columns = [*against_row, *against_near, near - median, uneven, slow - quick]
    found: Array = np.clip(np.stack(columns, 1), -MOST, MOST).astype(np.float32)
    return found


def _neighbour(values: Array, group: Array, way: int) -> Array:
    """The value so many places further in the same group, NaN outside."""
    place = np.arange(len(values)) + way
    inside = np.clip(place, 0, len(values) - 1)
    return np.where((place == inside) & (group[inside] == group), values[inside], np.nan)


def _quantiles(group: Array, values: Array) -> list[Array]:
    """Of the known values of each group, told at each of its places; NaN where none is known."""
    order = np.lexsort((values, group))  # unknown values come last in each group
    first, last = (np.searchsorted(group, group, side=side) for side in ("left", "right"))
    known = np.concatenate([[0], np.cumsum(~np.isnan(values))])
    count = known[last] - known[first]
    places = [first + np.round(quantile * np.maximum(count - 1, 0)).astype(np.int64) for quantile in QUANTILES]
    return [values[order[place]] for place in places]


def _near(values: Array, group: Array) -> Array:
    """The mean of the known values up to NEAR places before and after, in the same group and without its own."""
    known = ~np.isnan(values)
    total, count = (np.concatenate([[0.0], np.cumsum(column)]) for column in (np.nan_to_num(values), known))
    here = np.arange(len(values))
    low = np.maximum(np.searchsorted(group, group, side="left"), here - NEAR)
    high = np.minimum(np.searchsorted(group, group, side="right"), here + NEAR + 1)
    number = count[high] - count[low] - known
    summed = total[high] - total[low] - np.nan_to_num(values)
    return np.where(number > 0.5, summed / np.maximum(number, 1), np.nan)
