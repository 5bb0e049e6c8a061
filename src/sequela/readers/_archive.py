"""NumPy archives (.npz), of which nothing pickled is ever loaded."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sequela.errors import DataError
from sequela.types import Array


@contextmanager
def opened(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """The archive. Raises DataError for a file that is none, or is damaged."""
    with path.open("rb") as file:  # opened here, since np.load leaves a file that it cannot read open
        try:
            archive = np.load(file, allow_pickle=False)
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise DataError("not a NumPy archive, or a damaged one") from error
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError("a single array, not an archive of named arrays")
        yield archive


def array(archive: np.lib.npyio.NpzFile, name: str) -> Array:
    """An array of the archive. Raises DataError where there is none of that name, or it is damaged or pickled."""
    if name not in archive.files:
        raise DataError(f"no array {name!r} among {len(archive.files)} ({', '.join(archive.files[:10])})")
    try:
        return np.asarray(archive[name])
    except ValueError as error:
        raise DataError(f"the array {name!r} holds pickled objects or is damaged; only plain arrays are read") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"the array {name!r} is damaged") from error
