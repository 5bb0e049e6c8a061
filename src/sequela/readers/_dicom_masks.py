"""DICOM segmentations as label maps on the grid of the series they refer to.

Read are binary segmentations and label maps whose frames lie on slices of the series, point on point; a fractional one, one on
another grid, or one whose segments overlap is refused. The segment's number is the value of its points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sequela.errors import DataError
from sequela.readers._dicom_elements import items, text, whole, word
from sequela.readers._dicom_origin import SERIES, Origin
from sequela.readers._dicom_pixels import Decoder
from sequela.readers._dicom_slices import EACH, SHARED, Slice, slices
from sequela.readers._dicom_stacks import Stack
from sequela.readers._dicom_volume import placed
from sequela.types import Array, Payload

CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # segmentation, label map segmentation
REFERRED, KIND, SEGMENTS, IDENTIFIED, NUMBER, REFERENCE, LABEL = (
    0x00081115,
    0x00620001,
    0x00620002,
    0x0062000A,
    0x00620004,
    0x0062000B,
    0x00620005,
)
TAGS = [REFERRED, KIND, SEGMENTS]
OFF = 0.1  # share of a pixel by which a frame may lie beside its slice


@dataclass(frozen=True, slots=True)
class Mask:
    """A segmentation, read whole."""

    name: str
    payload: Payload  # "1 D H W" or "1 H W", as the picture is stored
    segments: str  # "1 liver; 2 spleen"


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A segmentation's header."""

    name: str
    series: str  # that it refers to
    kind: str
    segments: tuple[tuple[int, str], ...]
    frames: tuple[tuple[int, Slice], ...]  # the segment, 0 for all, and the frame

    @classmethod
    def of(cls, data: Any, path: Path, file: str, origin: Origin) -> Segmentation:
        """Raises DataError where the header does not say what it marks."""
        kind = word(data, KIND)
        if kind not in ("BINARY", "LABELMAP"):
            raise DataError(f"it is a segmentation of the type {kind or 'unknown'}; read are BINARY and LABELMAP")
        referred = items(data, REFERRED)
        if not referred:
            raise DataError("it is a segmentation that refers to no series")
        segments = tuple((whole(one, NUMBER), text(one, LABEL)) for one in items(data, SEGMENTS))
        common = items(data, SHARED)
        marked = [_segment(frame, common) for frame in items(data, EACH)]
        if kind == "BINARY" and not all(marked):
            raise DataError("it is a segmentation of which a frame names no segment")
        frames = tuple(zip(marked, slices(data, path, file, origin), strict=True))
        return cls(frames[0][1].instance or file, word(referred[0], SERIES), kind, segments, frames)


def mask(found: Segmentation, stacks: Sequence[Stack], decoder: Decoder) -> tuple[Stack, Mask]:
    """The label map and the stack it marks. Raises DataError where it lies on none of them."""
    reason = "it marks a series that is not read"
    for stack in stacks:
        try:
            places = [_place(stack, one) for _, one in found.frames]
        except DataError as error:
            reason = error.message
            continue
        values, space = placed(_painted(found, places, stack, decoder)[None], stack)
        told = "; ".join(f"{number} {label}" for number, label in found.segments if number)  # 0 is nothing
        return stack, Mask(found.name, Payload(values, None, ("label",), "", space), told)
    raise DataError(reason)


def _segment(frame: Any, common: Sequence[Any]) -> int:
    for groups in (frame, *common):
        for one in items(groups, IDENTIFIED):
            return whole(one, REFERENCE)
    return 0


def _place(stack: Stack, frame: Slice) -> int:
    """The slice of a stack that a frame lies on. Raises DataError where it lies on none."""
    first, place = stack.slices[0], frame.place
    alike = (frame.pixels.rows, frame.pixels.columns) == (first.pixels.rows, first.pixels.columns)
    if stack.affine is None or not stack.oriented or not alike or place.position is None or place.turn is None:
        raise DataError("it is a segmentation of another size than its series, or without a place")
    corner = np.linalg.solve(stack.affine, [*place.position, 1])[:3]
    far = np.array([0, first.pixels.rows - 1, first.pixels.columns - 1])
    turn, (down, across) = np.array(place.turn), place.spacing or (0.0, 0.0)
    last = np.array(place.position) + turn[3:] * down * far[1] + turn[:3] * across * far[2]
    opposite = np.linalg.solve(stack.affine, [*last, 1])[:3]
    number = round(float(corner[0]))
    off = max(np.abs(corner - [number, 0, 0]).max(), np.abs(opposite - [number, *far[1:]]).max())
    if off > OFF or not 0 <= number < len(stack.slices):
        raise DataError("it is a segmentation on another grid than its series")
    return number


def _painted(found: Segmentation, places: Sequence[int], stack: Stack, decoder: Decoder) -> Array:
    """uint8 or uint16 "D H W"."""
    first = stack.slices[0].pixels
    largest = max([number for number, _ in found.segments] + [segment for segment, _ in found.frames])
    painted = np.zeros((len(stack.slices), first.rows, first.columns), np.uint8 if largest < 256 else np.uint16)
    for (segment, frame), place in zip(found.frames, places, strict=True):
        values = decoder.values(frame)
        marked = values != 0
        if painted[place][marked].any():
            raise DataError("it is a segmentation whose segments overlap")
        painted[place][marked] = segment if found.kind == "BINARY" else values[marked]
    return painted
