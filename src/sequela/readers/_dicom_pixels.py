"""The pixels of DICOM frames as numbers that mean something: decoded, in colour as RGB, rescaled without loss.

Grey pixels that are not compressed are read where they lie in the file; all others are decoded by pydicom's decoders. Pictures
made for the eye (X-ray) that show their lowest value as white (MONOCHROME1) are inverted, so that in all of them white is high;
quantities (CT, MR, PET, dose) are never inverted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sequela.errors import DataError
from sequela.readers._dicom_aside import Aside
from sequela.readers._dicom_elements import header, items, reading
from sequela.readers._dicom_slices import VOI_LUT, Pixels, Slice
from sequela.types import Array

MEASURED = ("CT", "MR", "PT", "NM", "RTDOSE")  # modalities whose values are quantities
SAFE = {  # compressed transfer syntaxes -> the decoder that may be trusted with damaged files; the others are decoded aside
    "1.2.840.10008.1.2.4.50": "pillow",  # JPEG
    "1.2.840.10008.1.2.4.51": "pillow",
    "1.2.840.10008.1.2.5": "pydicom",  # RLE
}
EXACT = 2**24  # up to which whole numbers are exact in float32
FULL = 65535


@dataclass
class Decoder:
    """Gives the frames of files, one at a time; of a compressed file it holds the compressed bytes while frames are asked for."""

    pydicom: ModuleType
    shown: bool  # values as the file says that they be shown, 0 to 65535
    _held: tuple[Path, Any] | None = field(default=None)
    _aside: Aside = field(default_factory=Aside)

    def values(self, one: Slice) -> Array:
        """ "H W" or, of a colour picture, "H W 3": whole numbers where the file's scale keeps them so, else float32."""
        found = self._stored(one)
        if found.ndim == 3:
            return _colours(found)
        pixels = one.pixels
        if pixels.photometric == "MONOCHROME1" and one.origin.modality not in MEASURED and not self.shown:
            found = _inverted(found, pixels)
        found = self._modality(found, one)
        return self._windowed(found, one) if self.shown else found

    def _stored(self, one: Slice) -> Array:
        pixels = one.pixels
        if pixels.begin is not None:
            with reading("pixels"):
                return _native(pixels, one.frame)
        data = self._whole(pixels.path)
        known = self.pydicom.uid.UID_dictionary.get(str(data.file_meta.TransferSyntaxUID), ("unknown encoding",))
        what = f"pixels ({known[0]})"
        with reading(what):
            index = one.frame if pixels.frames > 1 else None
            found = self._decoded(data, pixels.path, index, what)
            if pixels.photometric == "PALETTE COLOR":
                found = self.pydicom.pixels.apply_color_lut(found, data)
        if found.shape[:2] != (pixels.rows, pixels.columns):
            raise DataError(f"its pixels are {found.shape}, its header says {pixels.rows} × {pixels.columns}")
        return found

    def _decoded(self, data: Any, path: Path, index: int | None, what: str) -> Array:
        syntax = data.file_meta.TransferSyntaxUID
        if syntax.is_compressed and str(syntax) not in SAFE:
            return self._aside.decode(path, index, what)
        return np.asarray(self.pydicom.pixels.pixel_array(data, index=index, decoding_plugin=SAFE.get(str(syntax), "")))

    def _whole(self, path: Path) -> Any:
        if self._held is None or self._held[0] != path:
            self._held = (path, header(self.pydicom, path, []))
        return self._held[1]

    def _modality(self, found: Array, one: Slice) -> Array:
        if one.pixels.table:
            with reading("modality table"):
                return np.asarray(self.pydicom.pixels.apply_modality_lut(found, self._whole(one.pixels.path)))
        return rescaled(found, one.slope, one.intercept)

    def _windowed(self, found: Array, one: Slice) -> Array:
        with reading("window"):
            data = self._whole(one.pixels.path)
            if tables := items(data, VOI_LUT):
                bits = int(tables[0].LUTDescriptor[2])
                share = np.asarray(self.pydicom.pixels.apply_voi(found, data), np.float64) / (2**bits - 1)
            elif one.window is None:
                raise DataError("it names no window by which it is shown, and voi = true asks for one")
            else:
                share = windowed(found, *one.window)
        if one.pixels.photometric == "MONOCHROME1":
            share = 1 - share
        return np.asarray(np.rint(share * FULL), np.uint16)


def _native(pixels: Pixels, frame: int) -> Array:
    """Grey pixels as they lie in the file; bits above those stored (an old overlay) are cleared."""
    kind = np.dtype(f"{'>' if pixels.big else '<'}{'i' if pixels.signed else 'u'}{pixels.allocated // 8}")
    count = pixels.rows * pixels.columns
    found = np.fromfile(pixels.path, kind, count, offset=(pixels.begin or 0) + frame * count * kind.itemsize)
    if found.size != count:
        raise DataError("it is cut short within its pixels")
    found = found.astype(kind.newbyteorder("="), copy=False).reshape(pixels.rows, pixels.columns)
    above = pixels.allocated - pixels.stored
    return (found << above) >> above if above > 0 else found


def _inverted(found: Array, pixels: Pixels) -> Array:
    return np.asarray(~found if pixels.signed else ((1 << pixels.stored) - 1) - found, found.dtype)


def _colours(found: Array) -> Array:
    if found.dtype not in (np.uint8, np.uint16):
        raise DataError(f"it has colours of the type {found.dtype}; stored are 8 and 16 bits")
    return found


def rescaled(found: Array, slope: float, intercept: float) -> Array:
    """Stored values times the slope plus the intercept: int64 where both are whole numbers, else float32."""
    if slope == 1 and intercept == 0:
        return found
    if found.dtype.kind in "iu" and slope.is_integer() and intercept.is_integer():
        wide: Any = np.int32 if found.dtype.itemsize < 4 and abs(slope) < 2**13 and abs(intercept) < 2**30 else np.int64
        return np.asarray(found.astype(wide) * wide(slope) + wide(intercept))
    return np.asarray(found * np.float64(slope) + intercept, np.float32)


def windowed(values: Array, centre: float, width: float, function: str) -> Array:
    """Shares of white, float64 in [0, 1] (DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3).

    Raises DataError for a width that leaves no window, or an unknown function.

    >>> windowed(np.array([-160, 240]), 40, 400, "LINEAR_EXACT")
    array([0., 1.])
    """
    if function == "SIGMOID" and width > 0:
        return np.asarray(1 / (1 + np.exp(-4 * (values.astype(np.float64) - centre) / width)))
    if function == "LINEAR" and width >= 1:
        centre, width = centre - 0.5, width - 1
    elif function != "LINEAR_EXACT" or width <= 0:
        raise DataError(f"it has a window {width:g} wide of the function {function}")
    if width == 0:
        return np.asarray(values > centre, np.float64)
    return np.clip((values.astype(np.float64) - centre) / width + 0.5, 0, 1)
