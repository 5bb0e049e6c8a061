"""A volume or mask as NIfTI-1, in the order of axes and the geometry of the file that it was read from."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sequela import extras
from sequela.errors import DataError
from sequela.readers._space import as_source
from sequela.types import Array, Space

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # from LPS
SCANNER, UNKNOWN = 1, 0  # codes of a form
SQUARE = 1e-5  # by which directions may miss a right angle for a qform, which knows rotations alone, to hold them
LONGEST = 32767  # points along an axis that NIfTI-1 can count


def write(values: Array, space: Space, path: Path, *, columns_first: bool = False) -> Path:
    """Writes a stored mask "D H W", or volume "C D H W" with its channels along a fourth axis; compressed where named .nii.gz.

    The array's axes are those of the source. `columns_first` turns their order about: for a series of DICOM, whose source is
    (slice, row, column), the file then has columns first, as converters of DICOM write it. The same points lie at the same
    place of the patient either way.

    Raises DataError for another shape than a volume's, an ending that is not NIfTI's, or a file that cannot be written;
    MissingExtra without nibabel.
    """
    if not path.name.endswith((".nii", ".nii.gz")):
        raise DataError(f"{path.name} is no name of a NIfTI file", hint="it ends on .nii or .nii.gz")
    raw = encoded(values, space, columns_first=columns_first)
    path.write_bytes(gzip.compress(raw, 6, mtime=0) if path.suffix == ".gz" else raw)
    return path


def encoded(values: Array, space: Space, *, columns_first: bool = False) -> bytes:
    """The file's bytes, uncompressed: the same for the same volume."""
    nibabel = extras.need("nibabel", "nifti")
    if values.ndim not in (3, 4):
        raise DataError(f"a volume has 3 axes, or 4 with its channels; this has the shape {values.shape}")
    array, lps = as_source(values, space)
    if columns_first:
        leading = values.ndim - 3
        array = array.transpose(*range(leading), *reversed(range(leading, values.ndim)))
        lps = lps[:, [2, 1, 0, 3]]
    if array.ndim == 4:
        array = np.moveaxis(array, 0, 3) if len(array) > 1 else array[0]
    return _image(nibabel, array, RAS @ lps, space.oriented)


def _image(nibabel: ModuleType, array: Array, ras: Array, oriented: bool) -> bytes:
    kind = nibabel.Nifti1Image if max(array.shape) <= LONGEST else nibabel.Nifti2Image
    image = kind(array, None, dtype=array.dtype)
    header = image.header
    header.set_xyzt_units("mm")
    header.set_zooms([*np.linalg.norm(ras[:3, :3], axis=0).tolist(), *[1.0] * (array.ndim - 3)])
    if oriented:
        _place(header, ras)
    found: bytes = kind(array, None, header).to_bytes()
    return found


def _place(header: Any, ras: Array) -> None:
    """Both forms where both can hold it; of a sheared volume (a tilted gantry) the sform alone."""
    header.set_sform(ras, SCANNER)
    directions = ras[:3, :3] / np.linalg.norm(ras[:3, :3], axis=0)
    square = np.abs(directions.T @ directions - np.eye(3)).max() < SQUARE
    header.set_qform(ras if square else None, SCANNER if square else UNKNOWN)
