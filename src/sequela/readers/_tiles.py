"""Where tiles lie on a picture, which of them hold tissue, and the events that tell of them: what `images` and `slides` share.

TILE        payload (C, t, t); text "row column down mpp": its top and left edge in pixels of the whole picture at its finest,
            how many of those one pixel of the tile spans, and micrometres a pixel of the tile (0 where unknown);
            number: the share of it that is tissue (1 where nothing was asked)
THUMBNAIL   payload, the whole at no more than 1024 pixels a side; text: how many pixels of the finest one of its own spans
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sequela.types import Array

PALE = 8  # of 255: a saturation that is never tissue, however even the slide (Lu et al. 2021, CLAM: its default threshold)
THUMBNAIL = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile lies."""

    row: int
    column: int
    down: float = 1.0  # pixels of the finest picture to one of the tile
    mpp: float = 0.0  # micrometres a pixel of the tile
    tissue: float = 1.0

    @property
    def text(self) -> str:
        """As its event has it."""
        return f"{self.row} {self.column} {self.down:.8g} {self.mpp:.8g}"


def starts(length: int, size: int, step: int) -> list[int]:
    """Where tiles of a size begin along an axis; the last is moved back to end with it. None on one that is shorter.

    >>> starts(10, 4, 4), starts(3, 4, 4)
    ([0, 4, 6], [])
    """
    if length < size:
        return []
    regular = list(range(0, length - size + 1, step))
    return regular if regular[-1] == length - size else [*regular, length - size]


def places(height: int, width: int, size: int, step: int) -> list[Place]:
    """All tiles of a picture, row by row."""
    return [Place(row, column) for row in starts(height, size, step) for column in starts(width, size, step)]


def saturation(picture: Array) -> Array:
    """How far red, green and blue "3 H W" (uint8) are from grey: uint8 "H W", 255 (max - min) / max."""
    most = picture.max(0).astype(np.float32)
    spread = most - picture.min(0)
    share: Array = np.divide(spread, most, out=np.zeros_like(spread), where=most > 0)
    return np.round(255 * share).astype(np.uint8)


def otsu(values: Array) -> int:
    """The threshold of uint8 values, above which the upper class lies, that parts them with most variance between (Otsu 1979)."""
    count = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(count)
    above = below[-1] - below
    summed = np.cumsum(count * np.arange(256))
    both = below * above
    apart = (summed[-1] * below - summed * below[-1]) ** 2
    return int(np.argmax(np.divide(apart, both, out=np.zeros(256), where=both > 0)))


def tissue(thumbnail: Array) -> Array:
    """Where a stained slide holds tissue: bool "H W", by Otsu's threshold of the saturation, which paper never passes."""
    found = saturation(thumbnail)
    return found > max(otsu(found), PALE)


def with_tissue(where: Array, extent: tuple[int, int], size: int, step: int, least: float) -> Iterator[Place]:
    """The tiles of a picture of that height and width of which at least a share is tissue, row by row.

    `where`, bool "h w", is a map of the whole, in points as coarse as it likes.
    """
    summed = np.pad(where.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    column = np.array(starts(extent[1], size, step), np.int64)
    left, right = _ends(column, size, extent[1], where.shape[1])
    for row in starts(extent[0], size, step):
        top, bottom = _ends(np.array(row), size, extent[0], where.shape[0])
        inside = summed[bottom, right] - summed[top, right] - summed[bottom, left] + summed[top, left]
        share = inside / ((bottom - top) * (right - left))
        yield from (Place(row, int(column[k]), tissue=float(share[k])) for k in np.flatnonzero(share >= least))


def _ends(start: Array, size: int, length: int, points: int) -> tuple[Array, Array]:
    """The half-open range of a map's points that tiles cover along an axis, one at least."""
    first = np.minimum(start * points // length, points - 1)
    return first, np.clip(-((start + size) * points // -length), first + 1, points)
