"""A mask as a DICOM segmentation (SEG) of the series that it was drawn on, through highdicom.

It lies in an own series of the same study, in the frame of reference of the source. Every frame is written, empty ones too: where
they are dropped, other programs shift or flip what is left. What was made is read back and compared before it is given out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sequela import __version__, extras
from sequela.errors import DataError
from sequela.readers._dicom_stacks import Stack
from sequela.readers._space import as_source
from sequela.types import Array, Space

if TYPE_CHECKING:
    from pydicom import Dataset

ROOT = "2.25."  # of UIDs made from a UUID
LONGEST = 64  # characters of a name (DICOM's LO)
MAY_BE_EMPTY = (  # elements of type 2: needed, but without a value where nobody knows it (PS3.3, C.7.1.1 and C.7.2.1)
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "SliceThickness",
)


@dataclass(frozen=True, slots=True)
class Concept:
    """A coded word, such as those of SNOMED CT."""

    value: str
    scheme: str
    meaning: str


ANATOMY = Concept("91723000", "SCT", "Anatomical Structure")
LESION = Concept("49755003", "SCT", "Morphologically Abnormal Structure")
TISSUE = Concept("85756007", "SCT", "Tissue")


@dataclass(frozen=True, slots=True)
class Segment:
    """What one value of the mask means."""

    name: str
    category: Concept = ANATOMY
    type: Concept = TISSUE


@dataclass(frozen=True, slots=True)
class Maker:
    """What drew the mask, as the file names it."""

    model: str  # the study, or the bundle
    version: str = __version__
    serial: str = "0"  # such as the start of the hash of the weights
    description: str = "Segmentation by a model, not verified"


def write(
    mask: Array,
    space: Space,
    stack: Stack,
    segments: Sequence[Segment],
    maker: Maker,
    path: Path,
    *,
    kind: Literal["BINARY", "LABELMAP"] = "BINARY",
) -> Path:
    """Writes the segmentation to a file; see `encoded`."""
    encoded(mask, space, stack, segments, maker, kind=kind).save_as(path, enforce_file_format=True)
    return path


def encoded(
    mask: Array,
    space: Space,
    stack: Stack,
    segments: Sequence[Segment],
    maker: Maker,
    *,
    kind: Literal["BINARY", "LABELMAP"] = "BINARY",
) -> Dataset:
    """The segmentation of a stored mask, "D H W" of a volume or "H W" of one slice, whose value k is the k-th segment.

    `stack` are the slices that the volume was made of (`dicom_series.stack_of`), `space` where it lies as it is stored. The same
    mask by the same maker has the same UIDs, so that storing it twice stores one.

    Raises DataError where the mask does not fit the slices, holds values without a segment, the series does not say where it lies
    or lacks what a segmentation must name; MissingExtra without highdicom.
    """
    highdicom = extras.need("highdicom", "dicom")
    frames = _frames(mask, space, stack)
    _check(frames, stack, segments)
    sources, order = _sources(stack)
    ordered = np.ascontiguousarray(frames[order])
    unique = _Names(sources[0].SeriesInstanceUID, maker, ordered)
    try:
        made: Dataset = highdicom.seg.Segmentation(
            source_images=sources,
            pixel_array=ordered,
            segmentation_type=kind,
            segment_descriptions=_described(highdicom, segments, maker),
            series_instance_uid=unique.of("series"),
            series_number=int(sources[0].get("SeriesNumber") or 0) + 1000,
            sop_instance_uid=unique.of("instance"),
            instance_number=1,
            manufacturer="Sequela",
            manufacturer_model_name=maker.model[:LONGEST],
            software_versions=maker.version,
            device_serial_number=maker.serial,
            content_label="SEGMENTATION",
            content_description=maker.description[:LONGEST],
            series_description=maker.description[:LONGEST],
            omit_empty_frames=False,
        )
    except (AttributeError, ValueError, TypeError) as error:
        raise DataError(f"the series lacks what a segmentation must name, or holds it wrongly: {error}") from error
    _compare(highdicom, made, sources, ordered)
    return made


def _frames(mask: Array, space: Space, stack: Stack) -> Array:
    """The mask as its slices lie, "D H W"."""
    if stack.affine is None or not stack.oriented:
        raise DataError("the series does not say where it lies in the patient", hint="write its mask as PNG")
    found = mask[None] if mask.ndim == 2 else mask
    first = stack.slices[0].pixels
    turned, affine = as_source(found, space)
    if turned.shape != (len(stack.slices), first.rows, first.columns) or not np.allclose(affine, stack.affine, atol=1e-3):
        shape = " × ".join(map(str, turned.shape))
        wanted = f"{len(stack.slices)} × {first.rows} × {first.columns}"
        raise DataError(f"the mask ({shape}) does not lie on the slices of the series ({wanted})")
    return turned.astype(np.uint8 if int(turned.max(initial=0)) < 256 else np.uint16)


def _check(frames: Array, stack: Stack, segments: Sequence[Segment]) -> None:
    most = int(frames.max(initial=0))
    if not segments or most > len(segments):
        raise DataError(f"the mask has values up to {most}, and {len(segments)} segments are named")


def _sources(stack: Stack) -> tuple[list[Dataset], list[int]]:
    """The files without their pixels, and the slice of the stack that each of their frames is.

    Raises DataError for a multi-frame file of which the stack has a part: its frames could not be referred to one by one.
    """
    pydicom = extras.need("pydicom", "dicom")
    paths = list(dict.fromkeys(one.pixels.path for one in stack.slices))
    sources = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    for one in sources:
        for name in MAY_BE_EMPTY:
            one.setdefault(name, None)
    if len(paths) == len(stack.slices) and all(one.pixels.frames == 1 for one in stack.slices):
        return sources, list(range(len(paths)))
    frames = [one.frame for one in stack.slices]
    if len(paths) > 1 or sorted(frames) != list(range(int(sources[0].NumberOfFrames))):
        raise DataError("the volume is a part of a multi-frame file, of which segmentations are not written")
    return sources, np.argsort(frames).tolist()


def _described(highdicom: ModuleType, segments: Sequence[Segment], maker: Maker) -> list[Any]:
    code = extras.need("pydicom.sr.coding", "dicom").Code
    family = code("123110", "DCM", "Artificial Intelligence")
    drawn = highdicom.AlgorithmIdentificationSequence(maker.model[:LONGEST], family, maker.version)
    return [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=one.name[:LONGEST],
            segmented_property_category=code(one.category.value, one.category.scheme, one.category.meaning),
            segmented_property_type=code(one.type.value, one.type.scheme, one.type.meaning),
            algorithm_type="AUTOMATIC",
            algorithm_identification=drawn,
        )
        for number, one in enumerate(segments, 1)
    ]


@dataclass(frozen=True, slots=True)
class _Names:
    """UIDs that the mask and its maker give."""

    series: str
    maker: Maker
    frames: Array

    def of(self, what: str) -> str:
        """As of a UUID (DICOM PS3.5, B.2)."""
        told = repr((what, str(self.series), self.maker, self.frames.shape, str(self.frames.dtype)))
        digest = hashlib.sha256(told.encode() + self.frames.tobytes()).digest()[:16]
        return ROOT + str(int.from_bytes(digest, "big"))


def _compare(highdicom: ModuleType, made: Dataset, sources: Sequence[Dataset], frames: Array) -> None:
    """Raises DataError where the segmentation does not hold the mask, frame by frame of its source."""
    if len(sources) == 1 and "NumberOfFrames" in sources[0]:
        numbers = list(range(1, len(frames) + 1))
        found = made.get_pixels_by_source_frame(sources[0].SOPInstanceUID, numbers, combine_segments=True)
    else:
        found = made.get_pixels_by_source_instance([one.SOPInstanceUID for one in sources], combine_segments=True)
    if not np.array_equal(found, frames):
        raise DataError("what was written as a segmentation is not the mask", hint=f"highdicom {highdicom.__version__}")
