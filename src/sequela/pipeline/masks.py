"""Predicted masks as files, in the geometry of what they were predicted on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from sequela import config
from sequela.bundle import Bundle
from sequela.bundle.prediction import Prediction
from sequela.errors import DataError, UsageError
from sequela.export import dicom_seg, dicom_series, nifti, png
from sequela.export.dicom_seg import Maker, Segment
from sequela.export.dicom_series import Series
from sequela.pipeline import files
from sequela.readers import dicom
from sequela.store.source import open_source
from sequela.store.store import is_store
from sequela.types import Array

Form: TypeAlias = Literal["nifti", "dicom"]
SERIAL = 16  # digits of a bundle's seal that name it in a file


@dataclass(frozen=True, slots=True)
class Segmentations:
    """What DICOM segmentations of the masks of one bundle need: the series they were predicted on, and what is said of them."""

    series: Series
    names: tuple[str, ...]
    instances: bool  # masks number things of one kind
    maker: Maker

    def write(self, one: Prediction, path: Path) -> Path:
        """Raises DataError where the mask does not lie on its series, or that does not say where it lies in the patient."""
        if one.mask is None or one.space is None:
            raise DataError(f"the picture of {one.row_id} has no space: write its mask as PNG", hint="leave out --masks dicom")
        stack, segments = self.series.stack(one.picture), self._segments(one.mask)
        kind: Literal["BINARY", "LABELMAP"] = "LABELMAP" if self.instances else "BINARY"
        return dicom_seg.write(one.mask, one.space, stack, segments, self.maker, path, kind=kind)

    def _segments(self, mask: Array) -> list[Segment]:
        """One for each name, or each thing."""
        if not self.instances:
            return [Segment(name) for name in self.names]
        return [Segment(f"{self.names[0]} {number}") for number in range(1, max(1, int(mask.max(initial=0))) + 1)]


def segmentations(bundle: Bundle, data: Path) -> Segmentations:
    """Of a bundle about raw DICOM files.

    Raises UsageError where the bundle paints no masks, was made of something else than DICOM, or the data are no raw files.
    """
    task, told = bundle.predictor.task, bundle.study.data
    if task.kind != "segment":
        raise UsageError(f"an answer of {task.kind} has no masks to write as DICOM")
    if told.reader != "dicom" or is_store(data):
        raise UsageError(
            "a DICOM segmentation refers to the files of its series, which are not given",
            hint='give the raw files to a bundle of data.reader = "dicom", or leave out --masks dicom',
        )
    settings = config.convert(dict(told.options), dicom.Config, "data.options")
    maker = Maker(bundle.study.name, serial=bundle.digest[:SERIAL])
    return Segmentations(dicom_series.series_of(open_source(data), settings), task.names, bundle.study.outcome.instances, maker)


def written(one: Prediction, folder: Path, as_dicom: Segmentations | None = None) -> Prediction:
    """The prediction with its mask in a file: NIfTI of a volume, PNG of a picture, or DICOM; one without a mask as it is."""
    if one.mask is None:
        return one
    folder.mkdir(parents=True, exist_ok=True)
    name = files.safe(one.row_id)
    if as_dicom is not None:
        return replace(one, file=str(as_dicom.write(one, folder / f"{name}-mask.dcm")))
    if one.mask.ndim == 2:
        return replace(one, file=str(png.write(one.mask, folder / f"{name}-mask.png")))
    if one.space is None:
        raise DataError(f"the volume of {one.row_id} has no space: its mask cannot be put back into the patient")
    return replace(one, file=str(nifti.write(one.mask, one.space, folder / f"{name}-mask.nii.gz")))
