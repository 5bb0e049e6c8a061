"""A signal longer than memory, written piece by piece: the file is the one that the whole array would have made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sequela.errors import DataError
from sequela.types import Array

PIECE_VALUES = 2**20  # numbers held at once: 4 MB of float32
BLOCK_BYTES = 2**22  # of a file that is read through


class Pieces(Protocol):
    """A signal float32 (C, L) that is read as it is written: `[:, a:b]` gives its samples a to b, an array (C, b - a)."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, key: tuple[slice, slice], /) -> Array: ...


def write_pieces(path: Path, signal: Pieces) -> None:
    """Writes the signal as the .npy of its whole; each channel lies in one run, so every piece is strewn over as many places.

    Raises DataError, and leaves no file, where a piece is not of the shape asked for, and whatever reading one raises.
    """
    path.parent.mkdir(exist_ok=True)
    try:
        with path.open("wb") as file:
            _write(file, signal)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def bytes_of(path: Path) -> Iterator[bytes]:
    """The values of an .npy file as they lie there, block by block."""
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        while block := file.read(BLOCK_BYTES):
            yield block


def _write(file: Any, signal: Pieces) -> None:
    channels, length = signal.shape
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": (channels, length)}
    np.lib.format.write_array_header_1_0(file, header)
    begin, step = file.tell(), max(1, PIECE_VALUES // channels)
    for first in range(0, length, step):
        piece = _piece(signal, first, min(first + step, length))
        for channel, samples in enumerate(piece):
            file.seek(begin + piece.itemsize * (channel * length + first))
            file.write(samples.data.cast("B"))


def _piece(signal: Pieces, first: int, end: int) -> Array:
    piece = np.ascontiguousarray(signal[:, first:end])
    if piece.shape != (signal.shape[0], end - first) or piece.dtype != np.float32:
        raise DataError(
            f"the samples {first} to {end} of a signal came as {piece.dtype} {piece.shape}; "
            f"expected float32 {(signal.shape[0], end - first)}"
        )
    return piece
