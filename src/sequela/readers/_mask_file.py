"""A mask file as integer labels of its picture's points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sequela.errors import DataError
from sequela.readers._picture import ORIENTATION, opened
from sequela.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "TIFF", "GIF", "BMP")  # of JPEG the values cannot be trusted
WHOLE = ("1", "L", "P", "I;16", "I;16L", "I;16B", "I;16N", "I")  # modes that hold whole numbers; of a palette, its places
WHITE = 255  # what drawing programs write for yes


def read(path: Path, filed: tuple[int, ...]) -> Array:
    """The values of a mask as in the file, "H W" or "D H W", for a picture of that shape.

    Raises DataError for a file that is damaged, of another shape (unread), or that holds colours or fractions.
    """
    with opened(path, FORMATS) as image:
        shape = (image.height, image.width) if len(filed) == 2 else (getattr(image, "n_frames", 1), image.height, image.width)
        pages = getattr(image, "n_frames", 1)
        if shape != filed or (len(filed) == 2 and pages > 1):
            raise DataError(f"it has the shape {_told((pages, *shape[-2:]))}, its picture {_told(filed)}")
        if image.getexif().get(ORIENTATION, 1) != 1:
            raise DataError("it says that it is to be turned, which masks are not")
        return _values(image) if len(filed) == 2 else _slices(image, pages)


def _told(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape[1:] if len(shape) == 3 and shape[0] == 1 else shape))


def _slices(image: Image, pages: int) -> Array:
    found = []
    for page in range(pages):
        image.seek(page)
        found.append(_values(image))
    return np.stack(found)


def _values(image: Image) -> Array:
    points = np.asarray(image)
    if image.mode in WHOLE:
        return points.astype(np.uint8) if points.dtype == bool else points
    if image.mode == "F":
        if not np.array_equal(points, np.round(points)):
            raise DataError("its values are fractions, labels are whole numbers")
        return points.astype(np.int64)
    if image.mode in ("RGB", "RGBA", "LA"):
        return _greys(points)
    raise DataError(f"its colours are {image.mode}; labels are greys or places of a palette")


def _greys(points: Array) -> Array:
    """The common value of red, green and blue, where nothing is transparent."""
    colours = points[..., : points.shape[-1] - (points.shape[-1] % 2 == 0)]
    if points.shape[-1] % 2 == 0 and (points[..., -1] != WHITE).any():
        raise DataError("it is transparent in places; labels are greys or places of a palette")
    if (colours != colours[..., :1]).any():
        raise DataError("it has colours; labels are greys or places of a palette")
    return np.ascontiguousarray(colours[..., 0])


@dataclass(slots=True)
class Values:
    """What the values of one kind of mask mean: each as it is, 255 as 1 where no other is there, or by a list."""

    listed: Sequence[int] | None = None  # the k-th means k
    white: str = ""  # the first mask in which 255 was read as 1
    other: str = ""  # the first with values that are neither 0 nor 255

    def labels(self, name: str, values: Array) -> Array:
        """uint8, or uint16 where it must be. Raises DataError for values that are no labels."""
        found = np.unique(values)
        if found[0] < 0 or found[-1] > 65535:
            raise DataError(f"its values reach from {found[0]} to {found[-1]}; labels lie from 0 to 65535")
        if self.listed is not None:
            return self._by_list(values, found)
        if WHITE in found and set(found.tolist()) <= {0, WHITE}:
            self.white = self.white or name
            return np.equal(values, WHITE).astype(np.uint8)
        if found[-1] > 0:
            self.other = self.other or name
        return values.astype(np.uint8 if found[-1] <= 255 else np.uint16)

    def _by_list(self, values: Array, found: Array) -> Array:
        assert self.listed is not None
        strange = sorted(set(found.tolist()) - set(self.listed))
        if strange:
            raise DataError(f"it has the value {strange[0]}, which mask_values does not list")
        place = np.zeros(max(self.listed) + 1, np.uint8 if len(self.listed) <= 256 else np.uint16)
        place[list(self.listed)] = np.arange(len(self.listed))
        return place[values]

    def check(self, code: str) -> None:
        """Raises DataError where 255 was read as 1 in one mask, and another shows that it may be a value of its own."""
        if self.white and self.other:
            raise DataError(
                f"masks {code}: {self.white} holds 0 and 255 alone, {self.other} other values; what 255 means is not plain",
                hint="list the values: mask_values = [0, 1, 255] makes 255 the label 2",
            )
