"""How a picture as a model sees it lies over the stored one (types.Grid), and what is carried across.

An edge of the model's picture is a stored edge * scale + offset, on each axis by itself; a point i reaches from edge i to i + 1.
Pictures, masks, probabilities and boxes all go by that one formula (pictures in `resample.py`), so none is off by half a point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.prep.resample import taps
from sequela.types import Array, Grid

UNKNOWN = -1  # in a mask: what lies outside of the stored picture, or nobody told


def plain(stored: Sequence[int]) -> Grid:
    """The model's picture is the stored one."""
    size = tuple(stored)
    return Grid(size, size, (1.0,) * len(size), (0.0,) * len(size))


def stretched(stored: Sequence[int], size: Sequence[int]) -> Grid:
    """The whole stored picture at this size."""
    scale = tuple(new / old for new, old in zip(size, stored, strict=True))
    return Grid(tuple(stored), tuple(size), scale, (0.0,) * len(scale))


def centred(stored: Sequence[int], size: Sequence[int], scale: Sequence[float]) -> Grid:
    """The middle of the stored picture at this scale, cut to this size or with empty margins; in whole points of both where the
    scale is 1.
    """
    offset = tuple(_margin(new, old * s) for new, old, s in zip(size, stored, scale, strict=True))
    return Grid(tuple(stored), tuple(size), tuple(map(float, scale)), offset)


def _margin(new: int, scaled: float) -> float:
    left = (new - scaled) / 2
    return float(np.floor(left)) if float(scaled).is_integer() else left


def spaced(stored: Sequence[int], spacing: Sequence[float], wanted: Sequence[float]) -> Grid:
    """The whole stored picture with points as near as can be to `wanted` apart; both spacings in one unit."""
    size = [max(1, round(n * old / new)) for n, old, new in zip(stored, spacing, wanted, strict=True)]
    return stretched(stored, size)


def covered(grid: Grid) -> tuple[tuple[int, int], ...]:
    """On each axis the half-open range of the model's points whose centres lie on the stored picture; (0, 0) where none does."""
    axes = zip(grid.stored, grid.size, grid.scale, grid.offset, strict=True)
    found = [np.flatnonzero(_nearest(np.arange(size), stored, size, scale, offset) >= 0) for stored, size, scale, offset in axes]
    return tuple((int(on[0]), int(on[-1]) + 1) if len(on) else (0, 0) for on in found)


# ------------------------------------------------------------------------------------------------------------------------ masks


def mask_to_model(mask: Array, grid: Grid) -> Array:
    """A mask "*S" as stored in the model's grid: the value at each point's centre, UNKNOWN outside of the stored picture."""
    return mask_patch(mask, grid, (0,) * len(grid.size), grid.size)


def mask_patch(mask: Array, grid: Grid, corner: Sequence[int], size: Sequence[int]) -> Array:
    """The same of the part of the model's picture from `corner` (it may lie partly, or wholly, outside of it); int32."""
    taken = [
        _nearest(np.arange(first, first + count), *axis)
        for first, count, *axis in zip(corner, size, grid.stored, grid.size, grid.scale, grid.offset, strict=True)
    ]
    found: Array = np.asarray(mask[np.ix_(*(np.maximum(place, 0) for place in taken))], np.int32)
    for axis, place in enumerate(taken):
        shape = [-1 if i == axis else 1 for i in range(found.ndim)]
        found = np.where((place < 0).reshape(shape), np.int32(UNKNOWN), found)
    return found


def _nearest(points: Array, stored: int, size: int, scale: float, offset: float) -> Array:
    """The stored point under each of the model's points; -1 where there is none."""
    place = np.floor((points + 0.5 - offset) / scale).astype(np.int64)
    outside = (place < 0) | (place >= stored) | (points < 0) | (points >= size)
    return np.where(outside, -1, place)


def points_to_model(points: Array, grid: Grid) -> Array:
    """The model's points that hold the centres of stored points "n S", int64; they may lie outside of its picture."""
    found: Array = np.floor((points + 0.5) * np.array(grid.scale) + np.array(grid.offset)).astype(np.int64)
    return found


def chance_to_stored(chance: Array, grid: Grid) -> Array:
    """Probabilities "K *S" of the model's points as those of the stored points: interpolated, 0 where nothing was said."""
    found = np.asarray(chance, np.float32)
    if grid.same:
        return found
    for axis, (stored, size, scale, offset) in enumerate(zip(grid.stored, grid.size, grid.scale, grid.offset, strict=True)):
        if (stored, scale, offset) != (size, 1, 0):
            found = taps(0, stored, size, 1 / scale, -offset / scale).apply(found, 1 + axis)
    return found


# ------------------------------------------------------------------------------------------------------------------------ boxes


def boxes_to_model(corners: Array, grid: Grid) -> Array:
    """Boxes "M 4" (top, left, bottom, right edges) of the stored picture in the model's; they may reach beyond it."""
    found: Array = (corners * np.tile(grid.scale, 2) + np.tile(grid.offset, 2)).astype(np.float32)
    return found


def boxes_to_stored(corners: Array, grid: Grid) -> Array:
    """Boxes "M 4" of the model's picture in the stored one, cut at its edges."""
    found: Array = (corners - np.tile(grid.offset, 2)) / np.tile(grid.scale, 2)
    return np.clip(found, 0, np.tile(grid.stored, 2)).astype(np.float32)
