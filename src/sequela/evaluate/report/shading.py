"""Weights of samples or stretches as shading beneath a drawn signal: full for, striped against, so that grey tells them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sequela.errors import DataError
from sequela.evaluate.report.ink import Frame, Lane
from sequela.types import Array

CELL = 0.5  # millimetres: shading is as fine as this, and half as fine where more than SHADED channels have their own, and so on
SHADED = 6
LEVELS = 8  # of shading
DENSEST = 0.6  # opacity of a weight of 1
FOR, AGAINST = "#e69f00", "#0072b2"  # orange and blue of Okabe and Ito 2008


@dataclass(frozen=True, slots=True)
class Stretch:
    """The weight of a stretch, between -1 (against) and 1 (for): in seconds from the first sample."""

    begin: float
    end: float
    weight: float


Shading: TypeAlias = Array | Sequence[Stretch]  # of each sample "L" or "C L", or of stretches


def shaded(shading: Shading | None, rate_hz: float, samples: int, frame: Frame, lanes: Sequence[Lane]) -> str:
    """Weights beneath the lines: full for, in stripes against. Weights of samples "L", and of stretches, are of all channels.

    Raises DataError for weights of another shape, or outside [-1, 1].
    """
    if shading is None or (not isinstance(shading, np.ndarray) and not len(shading)):
        return ""
    cell = CELL
    if isinstance(shading, np.ndarray):
        cell *= -(-len(np.atleast_2d(shading)) // SHADED)
        rows = _of_samples(shading, samples, len(lanes), rate_hz * cell / frame.speed)
    else:
        rows = _of_stretches(shading, frame)[None]
    if np.abs(rows).max() > 1 + 1e-6:
        raise DataError(f"a weight of {np.abs(rows).max():.3g} cannot be drawn", hint="weights lie between -1 and 1")
    whole = Lane(lanes[0].top, 0, lanes[-1].top + lanes[-1].height - lanes[0].top, 1)
    return "".join(
        _filled(row, frame.left, cell, lane) for row, lane in zip(rows, lanes if len(rows) > 1 else [whole], strict=False)
    )


def _of_samples(weight: Array, samples: int, channels: int, each: float) -> Array:
    """The mean weight of each cell of so many samples, "1 cells" or "C cells"."""
    if weight.shape not in ((samples,), (channels, samples)):
        raise DataError(f"weights of shape {weight.shape} are not of {channels} channels and {samples} samples")
    cell = np.floor(np.arange(samples) / each).astype(np.int64)
    count = np.maximum(np.bincount(cell), 1)
    return np.stack([np.bincount(cell, np.nan_to_num(row)) / count for row in np.atleast_2d(weight)])


def _of_stretches(stretches: Sequence[Stretch], frame: Frame) -> Array:
    """The weight of each cell; of several the strongest."""
    found = np.zeros(max(1, int(np.ceil(frame.width / CELL))))
    for one in stretches:
        first, last = round(max(one.begin, 0) * frame.speed / CELL), round(one.end * frame.speed / CELL)
        part = found[first:last]
        found[first:last] = np.where(np.abs(part) < abs(one.weight), one.weight, part)
    return found


def _filled(weight: Array, left: float, cell: float, lane: Lane) -> str:
    """The cells of one lane, those of one level together."""
    levels = np.round(weight * LEVELS).astype(np.int64)
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(levels)) + 1, [len(levels)]])
    boxes: dict[int, list[str]] = {}
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        own = int(levels[first])
        parts = [(first, last)] if own > 0 else [(k, k + 1) for k in range(first + first % 2, last, 2)]
        if own:
            boxes.setdefault(own, []).extend(_box(left + a * cell, (b - a) * cell, lane) for a, b in parts)
    return "".join(_level(own, "".join(those)) for own, those in sorted(boxes.items()))


def _box(x: float, width: float, lane: Lane) -> str:
    return f"M{x:.1f} {lane.top:.1f}h{width:.1f}v{lane.height:.1f}h-{width:.1f}z"


def _level(own: int, path: str) -> str:
    return f'<path d="{path}" fill="{FOR if own > 0 else AGAINST}" fill-opacity="{abs(own) / LEVELS * DENSEST:.3f}"/>'
