"""Pictures for a person: a stored picture with what is true and what is said drawn over it.

Panels stand side by side, so that they can be told apart in grey: the picture alone, the truth, the answer. Of a volume the slice
is shown in which most is marked: from below, the front of the patient at the top. A millimetre is as long down as across.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sequela.types import Array, Space

SHORTEST, LONGEST = 160, 420  # points of a panel's longer side: small pictures are enlarged, large ones shrunk
GAP = 6  # white points between two panels
COLOURS = np.array(  # of the names 1, 2, …, again from the first (Okabe and Ito 2008: told apart by the colour-blind)
    [[86, 180, 233], [230, 159, 0], [0, 158, 115], [240, 228, 66], [213, 94, 0], [204, 121, 167], [0, 114, 178]], np.uint8
)
HUES = ("light blue", "orange", "green", "yellow", "red", "pink", "blue")  # their names
SHADE = 0.35  # share of colour inside an outline


@dataclass(frozen=True, slots=True)
class Outlined:
    """Boxes "M 4" (top, left, bottom, right edges in points of the stored picture) with the number of each one's name, from 1."""

    corners: Array
    label: Array


Marks = Array | Outlined  # a label of every point, "*S", or boxes


def panels(picture: Array, marks: Sequence[Marks], space: Space | None = None) -> Array:
    """uint8 "H W 3": the picture (uint8 "1 *S" or "3 *S") alone, then once more under each of the marks."""
    place, stretch = _slice(picture, marks), _stretch(space)
    flat = _square(_coloured(picture if place is None else picture[:, place]), stretch)
    laid = [_laid(one if place is None or isinstance(one, Outlined) else one[place], stretch) for one in marks]
    scale = _scale(flat.shape[:2])
    shown = _enlarged(flat, scale)
    drawn = [shown, *(_marked(shown, one, scale) for one in laid)]
    white = np.full((shown.shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([part for panel in drawn for part in (panel, white)][:-1], 1)


def _slice(picture: Array, marks: Sequence[Marks]) -> int | None:
    """The slice of a volume in which most is marked, or its middle; None of a picture."""
    if picture.ndim == 3:
        return None
    count = sum(((one > 0).sum((1, 2)) for one in marks if not isinstance(one, Outlined)), np.zeros(picture.shape[1]))
    return int(np.argmax(count)) if count.any() else picture.shape[1] // 2


def _stretch(space: Space | None) -> tuple[float, float]:
    """How much longer a row and a column of the plane shown are than the shorter of both; 1 where the spacing is not known."""
    if space is None:
        return 1.0, 1.0
    _, row, column = space.spacing
    return row / min(row, column), column / min(row, column)


def _square(values: Array, stretch: tuple[float, float]) -> Array:
    """Rows and columns repeated, so that each point is as high as wide."""
    for axis, factor in enumerate(stretch):
        if factor != 1:
            count = values.shape[axis]
            nearest = ((np.arange(round(count * factor)) + 0.5) / factor).astype(np.int64)
            values = values.take(np.minimum(nearest, count - 1), axis)
    return values


def _laid(marks: Marks, stretch: tuple[float, float]) -> Marks:
    """Marks of a plane on its square points."""
    return replace(marks, corners=marks.corners * (stretch * 2)) if isinstance(marks, Outlined) else _square(marks, stretch)


def _coloured(picture: Array) -> Array:
    """uint8 "H W 3"."""
    return np.ascontiguousarray(np.broadcast_to(picture, (3, *picture.shape[1:])).transpose(1, 2, 0))


def _scale(size: Sequence[int]) -> float:
    """Points of the panel to one of the picture: a whole number, or one over a whole number."""
    longest = max(size)
    return max(1, SHORTEST // longest) if longest <= LONGEST else 1 / math.ceil(longest / LONGEST)


def _enlarged(values: Array, scale: float) -> Array:
    """Each point repeated; or every so many points as their mean (of labels, the largest, so that thin things stay)."""
    if scale >= 1:
        times = int(scale)
        return values.repeat(times, 0).repeat(times, 1)
    step = round(1 / scale)
    height, width = (side // step * step for side in values.shape[:2])
    blocks = values[:height, :width].reshape(height // step, step, width // step, step, *values.shape[2:])
    found: Array = blocks.mean((1, 3)).astype(np.uint8) if values.ndim == 3 else blocks.max((1, 3))
    return found


def _marked(shown: Array, marks: Marks, scale: float) -> Array:
    return _boxed(shown, marks, scale) if isinstance(marks, Outlined) else _painted(shown, _enlarged(marks, scale))


def _painted(shown: Array, label: Array) -> Array:
    """Inside shaded, the outline in full colour; neighbouring instances get different colours."""
    colour = COLOURS[(label.astype(np.int64) - 1) % len(COLOURS)]
    found = np.where((label > 0)[..., None], shown * (1 - SHADE) + colour * SHADE, shown)
    return np.where(_outline(label)[..., None], colour, found).astype(np.uint8)


def _outline(label: Array) -> Array:
    """Points of a name of which a neighbour is of another."""
    padded = np.pad(label, 1, mode="edge")
    around = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    edge: Array = np.any([label != one for one in around], axis=0) & (label > 0)
    return edge


def _boxed(shown: Array, boxes: Outlined, scale: float) -> Array:
    found = shown.copy()
    height, width = shown.shape[:2]
    for corners, label in zip(np.rint(boxes.corners * scale).astype(np.int64), boxes.label, strict=True):
        top, left, bottom, right = np.clip(corners, 0, [height - 2, width - 2, height - 1, width - 1])
        colour = COLOURS[(int(label) - 1) % len(COLOURS)]
        across, down = slice(left, right + 1), slice(top, bottom + 1)
        for edge in ((slice(top, top + 2), across), (slice(bottom - 1, bottom + 1), across)):
            found[edge] = colour
        for edge in ((down, slice(left, left + 2)), (down, slice(right - 1, right + 1))):
            found[edge] = colour
    return found


def warmth(picture: Array, weight: Array, space: Space | None = None) -> Array:
    """uint8 "H W 3": the picture, and again under weights "*S" (0 to 1), dark to yellow; of a volume the warmest slice."""
    place = None if picture.ndim == 3 else int(np.argmax(weight.sum((1, 2))))
    flat = _square(_coloured(picture if place is None else picture[:, place]), _stretch(space))
    heat = _square(np.clip(weight if place is None else weight[place], 0, 1), _stretch(space))
    scale = _scale(flat.shape[:2])
    shown = _enlarged(flat, scale)
    warm = _enlarged((heat * 255)[..., None].repeat(3, 2), scale) / 255
    colour = np.clip(np.stack([warm[..., 0] * 2, warm[..., 0] ** 1.5, 0.3 * (1 - warm[..., 0])], 2), 0, 1) * 255
    laid = shown * (1 - 0.6 * warm) + colour * 0.6 * warm
    white = np.full((shown.shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([shown, white, laid.astype(np.uint8)], 1)
