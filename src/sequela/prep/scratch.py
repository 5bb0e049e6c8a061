"""Room for large arrays: in memory while they are small, else in a file that vanishes with the array."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sequela.types import Array

IN_MEMORY = 512 * 2**20  # bytes: beyond this an array is a map of a temporary file
ON_SHELF = 8 * 2**30  # bytes of a shelf; what has no room is made again each time
ALIGNED = 64  # bytes


def room(shape: tuple[int, ...], dtype: npt.DTypeLike, limit: int = IN_MEMORY) -> Array:
    """Zeros of this shape, to be filled. The file, where there is one, lies in the system's temporary folder without a name."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= limit:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(prefix="sequela-") as file:
        file.truncate(size)
        mapped: np.memmap[Any, Any] = np.memmap(file, dtype, "r+", shape=shape)  # keeps the file open for itself
    return mapped


class Shelf:
    """Arrays that are made when first asked for and kept in one room, as many as there is room for."""

    def __init__(self, sizes: Sequence[int], limit: int = ON_SHELF) -> None:
        """`sizes` are the bytes of each; 0 for one that is not to be kept."""
        ends = np.cumsum([-(-size // ALIGNED) * ALIGNED for size in sizes], dtype=np.int64)
        self._first = np.concatenate([[0], ends])
        self._fits = (np.array(sizes, np.int64) > 0) & (ends <= limit)
        self._made = np.zeros(len(sizes), bool)
        self._room: Array | None = None

    def holds(self, entry: int) -> bool:
        """Whether there is room for the array of this number."""
        return bool(self._fits[entry])

    def get(self, entry: int, shape: tuple[int, ...], dtype: np.dtype[Any], make: Callable[[], Array]) -> Array:
        """The array of this number, for which there is room; `make` gives it where it was not asked for before."""
        if self._room is None:
            self._room = room((int(self._first[1:][self._fits].max()),), np.uint8)
        first = int(self._first[entry])
        place: Array = self._room[first : first + math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)
        if not self._made[entry]:
            place[:] = make()
            self._made[entry] = True
        return place
