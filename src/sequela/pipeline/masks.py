"""Predicted masks as files, in the geometry of what they were predicted on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sequela.bundle.prediction import Prediction
from sequela.errors import DataError
from sequela.export import nifti, png
from sequela.pipeline import files


def written(one: Prediction, folder: Path) -> Prediction:
    """The prediction with its mask in a file: NIfTI of a volume, PNG of a picture; one without a mask as it is."""
    if one.mask is None:
        return one
    folder.mkdir(parents=True, exist_ok=True)
    name = files.safe(one.row_id)
    if one.mask.ndim == 2:
        return replace(one, file=str(png.write(one.mask, folder / f"{name}-mask.png")))
    if one.space is None:
        raise DataError(f"the volume of {one.row_id} has no space: its mask cannot be put back into the patient")
    return replace(one, file=str(nifti.write(one.mask, one.space, folder / f"{name}-mask.nii.gz")))
