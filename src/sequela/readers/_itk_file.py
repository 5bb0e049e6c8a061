"""One volume out of an NRRD or MetaImage file, through SimpleITK where that is installed."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType

import numpy as np

from sequela import extras
from sequela.errors import DataError, MissingExtra
from sequela.readers._nifti_file import Rules, Volume, finite, stored_type
from sequela.types import Array

ENDINGS = (".nrrd", ".nhdr", ".mha", ".mhd")
NRRD = (".nrrd", ".nhdr")
DIRECTED = "NRRD_space"  # the field of an NRRD file that says what its directions mean


def read(path: Path, rules: Rules) -> Volume:
    """The volume in this file. Raises DataError where it is damaged or breaks a rule, or SimpleITK is not installed."""
    itk = _simple_itk()
    reader = itk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        _check(reader, rules)
        image = reader.Execute()
    except RuntimeError as error:
        raise DataError("damaged, or not of the format that its ending says") from error
    oriented = not path.name.lower().endswith(NRRD) or DIRECTED in reader.GetMetaDataKeys()
    if not oriented and not rules.unoriented:
        raise DataError("does not say how the patient lies in it (an NRRD file without `space`)")
    notes = () if oriented else ("volumes that do not say how they lie",)
    return Volume(_values(itk, image, rules), _affine(image), oriented, notes)


def _simple_itk() -> ModuleType:
    try:
        return extras.need("SimpleITK", "nifti")
    except MissingExtra as error:
        raise DataError("it is read by SimpleITK, which is not installed (pip install SimpleITK)") from error


def _check(reader: object, rules: Rules) -> None:
    size = reader.GetSize()  # type: ignore[attr-defined]
    channels = reader.GetNumberOfComponents()  # type: ignore[attr-defined]
    if len(size) != 3:
        raise DataError(f"has {len(size)} axes, expected 3")
    if math.prod(size) * channels > rules.most:
        raise DataError(f"says it has {math.prod(size) * channels} points, over max_points")
    if channels != max(rules.channels, 1):
        raise DataError(f"holds {channels} volumes, expected {max(rules.channels, 1)}")


def _values(itk: ModuleType, image: object, rules: Rules) -> Array:
    found = itk.GetArrayFromImage(image)  # k j i, and channels last
    moved = np.moveaxis(found, 3, 0) if found.ndim == 4 else found[None]
    return finite(stored_type(moved.transpose(0, 3, 2, 1)), rules.fill)


def _affine(image: object) -> Array:
    """(i, j, k, 1) to millimetres; ITK's patient coordinates are LPS."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())  # type: ignore[attr-defined]
    affine[:3, 3] = image.GetOrigin()  # type: ignore[attr-defined]
    return affine
