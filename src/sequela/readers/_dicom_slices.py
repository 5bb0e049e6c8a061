"""The pictures of one DICOM file: each frame with its place in the patient, and how its pixels are stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sequela.errors import DataError
from sequela.readers._dicom_elements import DOUBLES, FLOATS, PIXELS, items, key, numbers, whole, word
from sequela.readers._dicom_origin import INSTANCE, Origin

ROWS, COLUMNS, SAMPLES, FRAMES, PHOTOMETRIC = 0x00280010, 0x00280011, 0x00280002, 0x00280008, 0x00280004
ALLOCATED, STORED, SIGNED, PLANAR = 0x00280100, 0x00280101, 0x00280103, 0x00280006
POSITION, ORIENTATION, SPACING, DETECTOR, THICKNESS, BETWEEN = (
    0x00200032,
    0x00200037,
    0x00280030,
    0x00181164,
    0x00180050,
    0x00180088,
)
SLOPE, INTERCEPT, MODALITY_LUT, UNIT, COUNTS = 0x00281053, 0x00281052, 0x00283000, 0x00281054, 0x00541001
CENTRE, WIDTH, FUNCTION, VOI_LUT = 0x00281050, 0x00281051, 0x00281056, 0x00283010
SHARED, EACH = 0x52009229, 0x52009230
PLANE, TURN, MEASURES, VALUES, CONTENT, ECHO, TYPE, DIFFUSION = (
    0x00209113,
    0x00209116,
    0x00289110,
    0x00289145,
    0x00209111,
    0x00189114,
    0x00189226,
    0x00189117,
)
DOSE, OFFSETS, GRAYS, REGIONS = 0x3004000E, 0x3004000C, 0x30040002, 0x00186011
APART = [  # what may tell apart the pictures of one place, the likeliest first
    0x00200100,  # TemporalPositionIdentifier
    0x00180086,  # EchoNumbers
    0x00180081,  # EchoTime
    0x00189087,  # DiffusionBValue
    0x00189089,  # DiffusionGradientOrientation
    0x00200012,  # AcquisitionNumber
    0x00080008,  # ImageType
    0x00181060,  # TriggerTime
    0x00180082,  # InversionTime
    0x00181314,  # FlipAngle
    0x00080032,  # AcquisitionTime
    0x00080033,  # ContentTime
]
APART_FRAMES = [  # the same of frames of an enhanced picture: functional group, element
    (CONTENT, 0x00209128),  # TemporalPositionIndex
    (CONTENT, 0x00209056),  # StackID
    (ECHO, 0x00189082),  # EffectiveEchoTime
    (DIFFUSION, 0x00189087),  # DiffusionBValue
    (CONTENT, 0x00209156),  # FrameAcquisitionNumber
    (TYPE, 0x00089007),  # FrameType
    (CONTENT, 0x00209157),  # DimensionIndexValues
]
TAGS = [
    *(INSTANCE, ROWS, COLUMNS, SAMPLES, FRAMES, PHOTOMETRIC, ALLOCATED, STORED, SIGNED, PLANAR, PIXELS, FLOATS, DOUBLES),
    *(POSITION, ORIENTATION, SPACING, DETECTOR, THICKNESS, BETWEEN, SLOPE, INTERCEPT, MODALITY_LUT, UNIT, COUNTS, SHARED, EACH),
    *(CENTRE, WIDTH, FUNCTION, VOI_LUT, DOSE, OFFSETS, GRAYS, REGIONS, *APART),
]
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")  # transfer syntaxes without compression
BIG = NATIVE[2]
UNDEFINED = 0xFFFFFFFF
CENTIMETRES = 3  # of PhysicalUnitsXDirection
Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Pixels:
    """How the frames of one file are stored."""

    path: Path
    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    signed: bool
    photometric: str
    frames: int
    begin: int | None  # where grey pixels without compression begin in the file; None for all that must be decoded
    big: bool  # the most significant byte first
    table: bool  # a table, not a slope, makes its values
    floats: bool


class Place(NamedTuple):
    """Where a picture lies; None for what is not told."""

    position: Numbers | None  # mm LPS of the middle of its first pixel
    turn: Numbers | None  # of rising columns, then of rising rows
    spacing: Numbers | None  # mm between rows, between columns
    thickness: float | None  # mm from slice to slice, else of the slice


@dataclass(frozen=True, slots=True)
class Slice:
    """One picture of a series."""

    file: str
    instance: str  # SOPInstanceUID
    frame: int
    pixels: Pixels
    place: Place
    slope: float
    intercept: float
    window: tuple[float, float, str] | None  # centre, width, function
    apart: tuple[bytes, ...]
    origin: Origin
    unit: str


def slices(data: Any, path: Path, file: str, origin: Origin) -> list[Slice]:
    """Every frame of a file. Raises DataError where its header does not describe its pixels."""
    pixels = _pixels(data, path)
    said = (word(data, INSTANCE), pixels)
    if EACH in data:
        return list(_enhanced(data, file, said, origin))
    place = _place(data, data)
    places = [place] if pixels.frames == 1 else _frames(data, place, pixels.frames)
    apart, scale = tuple(key(data, tag) for tag in APART), _scale(data)
    return [
        Slice(file, said[0], frame, pixels, one, *scale, _window(data), apart, origin, _unit(data))
        for frame, one in enumerate(places)
    ]


def _pixels(data: Any, path: Path) -> Pixels:
    rows, columns, samples = whole(data, ROWS), whole(data, COLUMNS), whole(data, SAMPLES) or 1
    told = numbers(data, FRAMES)
    frames = int(told[0]) if told else 1
    if rows < 1 or columns < 1 or frames < 1 or samples not in (1, 3):
        raise DataError(f"it says it has {frames} frames of {rows} × {columns} pixels of {samples} samples")
    allocated, syntax = whole(data, ALLOCATED), str(data.file_meta.TransferSyntaxUID)
    floats = PIXELS not in data
    begin = None
    if syntax in NATIVE and not floats:
        begin = _begin(data, path, rows * columns * samples * frames * allocated)
    photometric = word(data, PHOTOMETRIC)
    if samples > 1 or allocated not in (8, 16, 32) or photometric == "PALETTE COLOR" or (syntax == BIG and allocated == 8):
        begin = None
    return Pixels(
        path=path,
        rows=rows,
        columns=columns,
        samples=samples,
        allocated=allocated,
        stored=whole(data, STORED) or allocated,
        signed=bool(whole(data, SIGNED)),
        photometric=photometric,
        frames=frames,
        begin=begin,
        big=syntax == BIG,
        table=bool(items(data, MODALITY_LUT)),
        floats=floats,
    )


def _begin(data: Any, path: Path, bits: int) -> int | None:
    item = data.get_item(PIXELS, keep_deferred=True)
    if item.length == UNDEFINED or not hasattr(item, "value_tell"):
        return None
    begin, size = int(item.value_tell), path.stat().st_size
    if word(data, PHOTOMETRIC) != "YBR_FULL_422" and begin + (bits + 7) // 8 > size:
        raise DataError("it is cut short: its pixels end before its header says")
    return begin


def _place(plane: Any, measures: Any, turned: Any = None) -> Place:
    turn, spacing = numbers(turned or plane, ORIENTATION), numbers(measures, SPACING) or numbers(measures, DETECTOR)
    position, between = numbers(plane, POSITION), numbers(measures, BETWEEN) or numbers(measures, THICKNESS)
    return Place(
        position if len(position) == 3 else None,
        turn if len(turn) == 6 else None,
        (spacing if len(spacing) == 2 and min(spacing) > 0 else None) or _region(measures),
        abs(between[0]) if between and between[0] else None,
    )


def _region(data: Any) -> Numbers | None:
    """Of an ultrasound picture of one region, measured in centimetres."""
    found = items(data, REGIONS)
    if len(found) != 1 or any(whole(found[0], tag) != CENTIMETRES for tag in (0x00186024, 0x00186026)):
        return None
    across, down = (abs(float(found[0][tag].value)) * 10 for tag in (0x0018602C, 0x0018602E))
    return (down, across) if across and down else None


def _frames(data: Any, place: Place, count: int) -> Iterator[Place]:
    """The places of frames that a grid of offsets along the normal tells (a dose); of all others, that they have none."""
    offsets = numbers(data, OFFSETS)
    if len(offsets) != count or place.position is None or place.turn is None:
        yield from [place._replace(position=None)] * count
        return
    normal = np.cross(place.turn[:3], place.turn[3:])
    toward = normal[2] if offsets[0] else 1.0  # offsets that do not begin with 0 are coordinates along the patient
    for offset in offsets:
        yield place._replace(position=tuple((place.position + (offset - offsets[0]) * toward * normal).tolist()))


def _scale(data: Any) -> tuple[float, float]:
    slope, intercept, dose = numbers(data, SLOPE), numbers(data, INTERCEPT), numbers(data, DOSE)
    return (slope or dose or (1.0,))[0], (intercept or (0.0,))[0]


def _window(data: Any) -> tuple[float, float, str] | None:
    centre, width = numbers(data, CENTRE), numbers(data, WIDTH)
    return (centre[0], width[0], word(data, FUNCTION) or "LINEAR") if centre and width else None


def _unit(data: Any) -> str:
    return word(data, UNIT) or word(data, COUNTS) or word(data, GRAYS)


def _enhanced(data: Any, file: str, said: tuple[str, Pixels], origin: Origin) -> Iterator[Slice]:
    """Frames of which each has functional groups of its own, beside those that all share."""
    instance, pixels = said
    shared, each = items(data, SHARED), items(data, EACH)
    if len(each) != pixels.frames:
        raise DataError(f"it tells of {len(each)} frames and has {pixels.frames}")
    common = shared[0] if shared else data

    def group(frame: Any, tag: int) -> Any:
        return next(iter(items(frame, tag) or items(common, tag)), None) or data

    for number, frame in enumerate(each):
        values = group(frame, VALUES)
        yield Slice(
            file=file,
            instance=instance,
            frame=number,
            pixels=pixels,
            place=_place(group(frame, PLANE), group(frame, MEASURES), group(frame, TURN)),
            slope=_scale(values)[0],
            intercept=_scale(values)[1],
            window=_window(group(frame, 0x00289132)),
            apart=tuple(key(group(frame, tag), element) for tag, element in APART_FRAMES),
            origin=origin,
            unit=_unit(values),
        )
