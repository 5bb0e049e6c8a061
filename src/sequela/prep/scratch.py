"""Room for large arrays: in memory while they are small, else in a file that vanishes with the array."""

from __future__ import annotations

import math
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

from sequela.types import Array

IN_MEMORY = 512 * 2**20  # bytes: beyond this an array is a map of a temporary file


def room(shape: tuple[int, ...], dtype: npt.DTypeLike, limit: int = IN_MEMORY) -> Array:
    """Zeros of this shape, to be filled. The file, where there is one, lies in the system's temporary folder without a name."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= limit:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(prefix="sequela-") as file:
        file.truncate(size)
        mapped: np.memmap[Any, Any] = np.memmap(file, dtype, "r+", shape=shape)  # keeps the file open for itself
    return mapped
