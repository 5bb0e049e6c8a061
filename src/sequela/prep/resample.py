"""Pictures and volumes brought to another grid, axis by axis.

Along an axis a new point is a weighted mean of the stored points about its centre, with the weights of a triangle as wide as the
larger of a new and a stored point: shrinking averages, growing interpolates. What a point becomes does not depend on which part
of the picture is asked for, to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Taps:
    """Of n points along an axis: which stored points each is made of, and with what weight."""

    place: Array  # int64 "n K", within the stored axis
    weight: Array  # float32 "n K", of sum 1; 0 throughout where the point's centre lies outside of the stored axis

    def apply(self, values: Array, axis: int, first: int = 0) -> Array:
        """The n points, float32, of float32 values of which the stored points from `first` on are given along this axis."""
        shape = [1] * values.ndim
        shape[axis] = len(self.place)
        found: Array | None = None
        for place, weight in zip((self.place - first).T, self.weight.T, strict=True):
            part = np.take(values, place, axis)
            part *= weight.reshape(shape)
            found = part if found is None else np.add(found, part, out=found)
        assert found is not None
        return found

    @property
    def reach(self) -> tuple[int, int]:
        """The half-open range of stored points that have any weight; (0, 1) where none has."""
        used = self.place[self.weight > 0]
        return (int(used.min()), int(used.max()) + 1) if len(used) else (0, 1)

    def within(self, first: int, end: int) -> Taps:
        """The same with places that have no weight moved into this range, so that nothing outside of it is read."""
        return Taps(np.clip(self.place, first, end - 1), self.weight)


_ROUNDING = 1e-9  # points: a centre this near to the stored axis' end lies on it, whichever way its place was computed


@lru_cache(maxsize=512)
def taps(first: int, end: int, stored: int, scale: float, offset: float) -> Taps:
    """Those of the new points from `first` up to `end`, where a new edge is a stored edge * scale + offset."""
    edge = (np.arange(first, end) + 0.5 - offset) / scale
    centre, reach = edge - 0.5, max(1.0, 1 / scale)
    place = np.floor(centre - reach).astype(np.int64)[:, None] + 1 + np.arange(int(np.ceil(2 * reach)))
    inside = (place >= 0) & (place < stored) & ((edge >= -_ROUNDING) & (edge <= stored + _ROUNDING))[:, None]
    weight = np.where(inside, np.clip(1 - np.abs(place - centre[:, None]) / reach, 0, None), 0.0)
    total = weight.sum(1, keepdims=True)
    weight /= np.where(total > 0, total, 1)
    return Taps(np.clip(place, 0, stored - 1), weight.astype(np.float32))


def resized(images: Array, size: tuple[int, ...]) -> Array:
    """Images or volumes "n C *S" at another size, float32: the edges stay where they are. Meant for many small ones."""
    found = images.astype(np.float32, copy=False)
    for axis, new in enumerate(size, 2):
        old = found.shape[axis]
        if old != new:
            found = np.moveaxis(np.matmul(np.moveaxis(found, axis, -1), _dense(old, new).T), -1, axis)
    return found


@cache
def _dense(old: int, new: int) -> Array:
    """Float32 "new old": the taps of a whole axis as a matrix."""
    found = taps(0, new, old, new / old, 0.0)
    matrix = np.zeros((new, old), np.float32)
    np.add.at(matrix, (np.arange(new)[:, None], found.place), found.weight)
    return matrix
