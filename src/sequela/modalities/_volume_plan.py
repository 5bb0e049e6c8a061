"""How volumes are taken apart into slices, planned from those of training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.errors import DataError
from sequela.modalities._picture_plan import median
from sequela.modalities._pictures import Pictures, Recipe, spacing_of
from sequela.types import Payload

AXES = ("axial", "coronal", "sagittal")  # across the slices, rows and columns of a stored volume
ALIKE = 1.01  # spacings that differ by less are no reason to prefer an axis


def sides(payloads: Sequence[Payload], apart: tuple[float, ...] | None) -> list[tuple[int, ...]]:
    """Sizes (D, H, W) of the volumes with points so far apart; None: as they are stored."""
    volumes = Pictures(payloads, Recipe(channels=1, mean=(0.0,), spread=(1.0,), spacing=apart))
    return [volumes.grid(entry).size for entry in range(len(payloads))]


def spacing(payloads: Sequence[Payload], asked: str | tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Millimetres between the points of the model's volumes: as asked for, or the median; None: as stored.

    Raises DataError where some volumes do not tell theirs.
    """
    if asked is None:
        return None
    told = [one for payload in payloads if (one := spacing_of(payload)) is not None]
    if len(told) < len(payloads):
        raise DataError(
            f"{len(payloads) - len(told)} of {len(payloads)} training volumes do not tell their spacing",
            hint="leave spacing out: volumes are then taken point by point",
        )
    return median(told) if isinstance(asked, str) else asked


def axis(payloads: Sequence[Payload], asked: str) -> int:
    """The axis across the slices; auto: along which points lie farthest apart, the first where several do."""
    if asked != "auto":
        return AXES.index(asked)
    told = [one for payload in payloads if (one := spacing_of(payload)) is not None]
    apart = median(told) if told else (1.0, 1.0, 1.0)
    return next(place for place, one in enumerate(apart) if one * ALIKE >= max(apart))


def plane(sides: Sequence[tuple[int, ...]], across: int, asked: int | tuple[int, ...] | None) -> tuple[int, int]:
    """Rows and columns of a slice: as asked for, or so many that nothing of volumes of these sides is cut."""
    if isinstance(asked, int):
        return asked, asked
    rows, columns = np.delete(np.array(sides), across, 1).max(0).tolist() if asked is None else asked
    return rows, columns
