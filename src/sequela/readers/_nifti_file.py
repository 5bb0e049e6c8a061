"""One volume out of a NIfTI-1 or NIfTI-2 file: its numbers as they are meant, and where its axes point.

Source: NIfTI-1 (Cox et al. 2004, nifti1.h). The header is read by nibabel, without its repairs; the data straight after it, so
that a compressed file is unpacked once, and no further than its header says.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from sequela import extras
from sequela.errors import DataError
from sequela.readers._space import letters
from sequela.types import Array

HEAD = 540  # bytes of the larger header
MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # xyzt_units: not said, metres, millimetres, micrometres
CIFTI = range(3000, 3100)  # intents of matrices and surfaces
WHOLE = (np.int16, np.uint16, np.uint8)  # stored types of whole numbers; others become one of the first two
COLOURS = ("R", "G", "B", "A")
PACKED = (OSError, EOFError, zlib.error)  # what gzip raises at damaged files
SPACING_APART = 0.01  # share by which two spacings may differ
SHIFTED = 0.1  # of the smallest spacing: how far apart sform and qform may put a corner without a word
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # to LPS, and back


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of a volume."""

    channels: int = 0  # along its fourth axis; 0: it must have none
    prefer: Literal["", "sform", "qform"] = ""  # where both are there and disagree; "": refused
    unoriented: bool = False  # taken where it says nothing of its directions
    fill: float | None = None  # in place of numbers that are not finite; None: refused
    most: int = 2**30  # points


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume as its file lays it out."""

    values: Array  # "C i j k": uint8, int16, uint16 or float32, see stored_type
    affine: Array  # (i, j, k, 1) to millimetres in LPS
    oriented: bool = True
    notes: tuple[str, ...] = ()  # what was taken for granted, as Sink.note counts it


@dataclass(frozen=True, slots=True)
class Placed:
    """What a header says of directions."""

    affine: Array  # to millimetres in LPS
    oriented: bool
    notes: tuple[str, ...]


def read(path: Path, rules: Rules) -> Volume:
    """The volume in this file (of a pair, the .hdr with its .img beside it).

    Raises DataError where the file is damaged or not a NIfTI volume, or breaks a rule; MissingExtra without nibabel.
    """
    nibabel = extras.need("nibabel", "nifti")
    with _opened(path) as stream:
        header = _header(nibabel, stream.read(HEAD))
    shape = _shape(header, rules)
    placed = _placed(nibabel, header, shape[:3], rules)
    raw = _raw(path, header, shape)
    return Volume(finite(_scaled(nibabel, header, raw), rules.fill), placed.affine, placed.oriented, placed.notes)


# -------------------------------------------------------------------------------------------------------------------- the bytes


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            if packed:
                with gzip.open(file) as stream:
                    yield stream  # type: ignore[misc]
            else:
                yield file
        except PACKED as error:
            raise DataError(f"cut short or damaged ({type(error).__name__})") from error


def _header(nibabel: Any, head: bytes) -> Any:
    if not head:
        raise DataError("an empty file")
    for kind in (nibabel.Nifti1Header, nibabel.Nifti2Header):
        if len(head) >= kind.sizeof_hdr and kind.may_contain_header(head):
            found = kind(head[: kind.sizeof_hdr], check=False)
            if int(found["intent_code"]) in CIFTI:
                raise DataError("a CIFTI-2 file: matrices and surfaces, not a volume")
            return found
    if len(head) >= 348 and 348 in (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")):
        raise DataError("an Analyze file, which does not say how the patient lies in it")
    raise DataError("not a NIfTI file")


def _raw(path: Path, header: Any, shape: tuple[int, ...]) -> Array:
    """The numbers as they are stored, "i j k" or "i j k n"."""
    dtype = _dtype(header)
    single = bytes(header["magic"]).startswith(b"n+")
    start = int(header["vox_offset"])
    if start < (header.sizeof_hdr + 4 if single else 0):
        raise DataError(f"its data begin at byte {start}, inside its header")
    size = math.prod(shape) * dtype.itemsize
    with _opened(path if single else _pair(path)) as stream:
        stream.seek(start)
        found = stream.read(size)
        stream.read(1)  # at the end, gzip compares its checksum
    if len(found) < size:
        raise DataError(f"cut short: its header says {size} bytes of data, it has {len(found)}")
    return np.frombuffer(found, dtype).reshape(shape, order="F")


def _pair(path: Path) -> Path:
    """The data of a header in a file of its own."""
    stem = path.name.removesuffix(".gz").removesuffix(".hdr")
    for ending in (".img", ".img.gz"):
        if (beside := path.with_name(stem + ending)).exists():
            return beside
    raise DataError("a header without its .img file")


def _dtype(header: Any) -> np.dtype[Any]:
    code = int(header["datatype"])
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except KeyError as error:
        raise DataError(f"its data type {code} is none of NIfTI's") from error
    if not (dtype.kind in "iuf" and 0 < dtype.itemsize <= 8) and not (dtype.names and set(dtype.names) <= set(COLOURS)):
        raise DataError(f"its numbers are {dtype}, expected whole or real numbers of at most 64 bits, or colours")
    return dtype


def _shape(header: Any, rules: Rules) -> tuple[int, ...]:
    """(i, j, k) or (i, j, k, n), n being the channels asked for."""
    count = int(header["dim"][0])
    given = tuple(int(n) for n in header["dim"][1 : count + 1]) if 1 <= count <= 7 else ()
    if not given or min(given) < 1:
        raise DataError("its header gives no sizes of axes")
    if math.prod(given) > rules.most:
        raise DataError(f"says it has {math.prod(given)} points, over max_points")
    space, rest = (*given, 1, 1)[:3], tuple(n for n in given[3:] if n > 1)
    if len(rest) > 1:
        raise DataError(f"has {len(given)} axes ({' × '.join(map(str, given))}), expected 3 or 4")
    if rest != ((rules.channels,) if rules.channels > 1 else ()):
        told = f"{rules.channels} channels are asked for" if rules.channels else "channels = […] would name them"
        raise DataError(f"holds {math.prod(rest)} volumes, and {told}")
    return (*space, *rest)


# ------------------------------------------------------------------------------------------------------------------ the numbers


def _scaled(nibabel: Any, header: Any, raw: Array) -> Array:
    """The numbers as they are meant, "C i j k"."""
    if raw.dtype.names:
        return np.stack([raw[name] for name in COLOURS if name in raw.dtype.names])
    try:
        slope, offset = header.get_slope_inter()
    except nibabel.spatialimages.HeaderDataError as error:
        raise DataError("its scl_inter is not a number") from error
    values = np.moveaxis(raw, 3, 0) if raw.ndim == 4 else raw[None]
    if slope is None or (slope == 1 and not offset):
        return stored_type(values)
    if values.dtype.kind in "iu" and slope == int(slope) and offset == int(offset):
        return stored_type(values.astype(np.int64) * int(slope) + int(offset))
    return stored_type(values.astype(np.float64) * slope + offset)


def stored_type(values: Array) -> Array:
    """Bytes and numbers of 16 bits as they are, other whole ones as int16 or uint16 where these hold them, else float32.

    Not in the smallest type that holds them: the files of a set would be of several types. float32 rounds numbers of 64 bits.

    Raises DataError for whole numbers that float32 does not hold exactly.
    """
    if values.dtype.kind not in "iu":
        with np.errstate(over="ignore"):
            return values.astype(np.float32)
    if (own := values.dtype.newbyteorder("=")) in WHOLE:
        return values.astype(own, copy=False)
    low, high = int(values.min()), int(values.max())
    for kind in WHOLE[:2]:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return values.astype(kind, copy=False)
    if max(-low, high) > 2**24:
        raise DataError(f"holds whole numbers up to {max(-low, high)}, which 32-bit floats do not hold exactly")
    return values.astype(np.float32)


def finite(values: Array, fill: float | None) -> Array:
    if values.dtype.kind != "f" or (there := np.isfinite(values)).all():
        return values
    if fill is None:
        raise DataError(f"has {int((~there).sum())} points that are not finite numbers; fill = … would replace them")
    return np.where(there, values, np.float32(fill))


# --------------------------------------------------------------------------------------------------------------- the directions


def _placed(nibabel: Any, header: Any, shape: Sequence[int], rules: Rules) -> Placed:
    """The affine that counts. sform goes before qform, as the standard has it; both must turn the volume alike."""
    unit = int(header["xyzt_units"]) & 7
    if unit not in MILLIMETRES:
        raise DataError(f"its unit of length has the number {unit}, expected metres, millimetres or micrometres")
    notes = [] if unit else ["volumes that name no unit of length, taken as millimetres"]
    by_name = {"sform": _sform(header), "qform": _qform(nibabel, header)}
    found = {name: affine for name, affine in by_name.items() if affine is not None}
    if not found:
        return Placed(_spaced(header, MILLIMETRES[unit], rules), False, (*notes, "volumes that do not say how they lie"))
    chosen = rules.prefer if rules.prefer in found else next(iter(found))
    if len(found) == 2 and not rules.prefer:
        notes += _agreed(found["sform"], found["qform"], shape)
    lps = np.diag([*[MILLIMETRES[unit]] * 3, 1.0]) @ RAS @ found[chosen]
    letters(lps)  # refuses one that cannot be inverted
    return Placed(lps, True, tuple(notes))


def _sform(header: Any) -> Array | None:
    return np.asarray(header.get_sform(), np.float64) if int(header["sform_code"]) > 0 else None


def _qform(nibabel: Any, header: Any) -> Array | None:
    """None where it is not set, or has no spacing that it could be made with (then a sform is needed)."""
    if int(header["qform_code"]) <= 0 or not _spacings(header):
        return None
    if not header["pixdim"][0]:
        header["pixdim"][0] = 1.0  # qfac: "if 0, take 1" (nifti1.h)
    try:
        return np.asarray(header.get_qform(), np.float64)
    except (nibabel.spatialimages.HeaderDataError, ValueError) as error:
        raise DataError("the quaternion of its qform is not one of a rotation") from error


def _spacings(header: Any) -> tuple[float, ...]:
    """pixdim of the three axes; none where one of them is not a length."""
    found = tuple(float(length) for length in header["pixdim"][1:4])
    return found if all(math.isfinite(length) and length > 0 for length in found) else ()


def _spaced(header: Any, scale: float, rules: Rules) -> Array:
    """An affine of spacings alone."""
    spacings = _spacings(header)
    if int(header["qform_code"]) > 0 or not spacings:
        raise DataError("a spacing of its header (pixdim) is not above 0, and it has no sform")
    if not rules.unoriented:
        raise DataError("does not say how the patient lies in it (sform_code and qform_code are 0)")
    return np.diag([*(scale * length for length in spacings), 1.0])


def _agreed(sform: Array, qform: Array, shape: Sequence[int]) -> list[str]:
    """What to note of two affines; raises DataError where they turn the volume in different ways, or space it otherwise."""
    spacing, other = (np.linalg.norm(affine[:3, :3], axis=0) for affine in (sform, qform))
    if not np.allclose(spacing, other, rtol=SPACING_APART, atol=0) or letters(RAS @ sform) != letters(RAS @ qform):
        raise DataError("its sform and qform disagree; prefer = … would choose one")
    apart = corners(sform, shape) - corners(qform, shape)
    far = np.linalg.norm(apart, axis=1).max() > SHIFTED * spacing.min()
    return ["volumes whose sform and qform lie apart, of which the sform was taken"] if far else []


def corners(affine: Array, shape: Sequence[int]) -> Array:
    """Where the eight outermost points of a volume lie, "8 3"."""
    ends = np.stack(np.meshgrid(*[(0, size - 1) for size in shape], indexing="ij"), -1).reshape(8, 3)
    return np.asarray(ends @ affine[:3, :3].T + affine[:3, 3])
