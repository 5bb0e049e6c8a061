"""Signals in files that hold arrays and nothing of medicine: text, NPY, NPZ and HDF5.

NPY and HDF5 are read piece by piece while they are written to the store; text and NPZ are read whole, a record at a time. Nothing
pickled is ever loaded, and no link out of an HDF5 file is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from sequela import extras
from sequela.errors import DataError
from sequela.readers import _archive, _array_text
from sequela.types import Array

NUMBERS = "iuf"  # NumPy's kinds
Axis = Literal["last", "first"]
TEXTS = (".txt", ".csv", ".tsv", ".asc")


@dataclass(frozen=True)
class Channels:
    """An array of samples, in memory or in a file, seen as float32 "C L"; only `[:, begin:end]` is asked of it.

    Asking raises DataError for a sample that is neither a number nor missing, or cannot be read.
    """

    array: Any  # "L", "L C", or with the channels first "C L"
    first: bool  # the channels are the first axis
    kept: tuple[int, ...]  # which channels, in their order
    factor: float  # to the unit of the store

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.kept), int(self.array.shape[-1 if self.first else 0])

    def __getitem__(self, index: tuple[slice, slice]) -> Array:
        begin, end, _ = index[1].indices(self.shape[1])
        some = self._read(begin, end)
        across = np.atleast_2d(some if self.first else some.T)
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(across[list(self.kept)] * self.factor, np.float32)
        if np.isinf(values).any():
            raise DataError("it holds infinite numbers, or some beyond 32 bits")
        return values[index[0]]

    def _read(self, begin: int, end: int) -> Array:
        try:
            return np.asarray(self.array[:, begin:end] if self.first else self.array[begin:end])
        except OSError as error:  # of a damaged HDF5 file
            raise DataError("some of its samples cannot be read") from error


@dataclass(frozen=True, slots=True)
class Signals:
    """One record of a file."""

    inside: str  # what the file calls it; "" where it is all that the file holds
    array: Any  # numbers of one axis or two
    names: tuple[str, ...]  # of the columns of a text with a line of names; () where the file tells none
    first: bool = False  # the channels are the first axis

    @property
    def count(self) -> int:
        """Channels."""
        return 1 if self.array.ndim == 1 else int(self.array.shape[0 if self.first else 1])

    def channels(self, kept: tuple[int, ...], factor: float) -> Channels:
        """These of its channels, times a factor."""
        return Channels(self.array, self.first, kept, factor)


@dataclass(frozen=True, slots=True)
class Inside:
    """How the arrays of a file are chosen and lie."""

    dataset: str  # a pattern of the names of arrays in NPZ and HDF5, * for any letters
    axis: Axis
    separator: str  # of the columns of a text; "": found from its first line


Found = Iterator[Signals | tuple[str, str]]  # a record; or what the file calls it, and why it is none


def signals(path: Path, inside: Inside) -> Found:
    """The records of a file, each to be used before the next is asked for. Raises DataError where it cannot be read."""
    return READ[PurePosixPath(path.name.lower()).suffix](path, inside)


def _text(path: Path, inside: Inside) -> Found:
    names, values = _array_text.read(path, inside.separator)
    yield Signals("", values, names)


def _npy(path: Path, inside: Inside) -> Found:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError("not a NumPy array of plain numbers, or a damaged one") from error
    yield _signals("", array, inside)


def _npz(path: Path, inside: Inside) -> Found:
    with _archive.opened(path) as archive:
        names = [name for name in archive.files if fnmatchcase(name, inside.dataset)]
        if not names:
            raise DataError(f"no array is called {inside.dataset!r} among {len(archive.files)}")
        for name in names:
            try:
                yield _signals(name, _archive.array(archive, name), inside)
            except DataError as error:
                yield name, error.message


def _hdf5(path: Path, inside: Inside) -> Found:
    h5py = extras.need("h5py", "hdf5")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError("not an HDF5 file, or a damaged one") from error
    with file:
        held = _datasets(h5py, file)
        names = [name for name in held if fnmatchcase(name, inside.dataset)]
        if not names:
            raise DataError(f"no dataset is called {inside.dataset!r} among {len(held)}")
        for name in names:
            try:
                yield _signals(name, _contained(held[name]), inside)
            except DataError as error:
                yield name, error.message


def _datasets(h5py: Any, file: Any) -> Mapping[str, Any]:
    """By their paths; links, which may lead to other files, are not followed."""
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    try:
        file.visititems(visit)
    except (OSError, RuntimeError, KeyError) as error:  # of a damaged file
        raise DataError("an HDF5 file that is damaged") from error
    return found


def _contained(dataset: Any) -> Any:
    """Raises DataError for one whose samples lie in other files."""
    if dataset.external or dataset.is_virtual:
        raise DataError("its samples lie in other files, which are not followed")
    return dataset


def _signals(name: str, array: Any, inside: Inside) -> Signals:
    kind, axes = array.dtype.kind, len(array.shape)
    if kind not in NUMBERS or axes not in (1, 2):
        raise DataError(
            f"it holds {array.dtype} of {axes} axes, expected numbers, (samples) or (samples, channels)",
            hint="many records in one array are read by the reader npz",
        )
    return Signals(name, array, (), inside.axis == "first" and axes == 2)


READ: Mapping[str, Callable[[Path, Inside], Found]] = {
    ".txt": _text,
    ".csv": _text,
    ".tsv": _text,
    ".asc": _text,
    ".npy": _npy,
    ".npz": _npz,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
}
