"""How volumes are taken apart into slices, planned from those of training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.modalities._picture_plan import median
from sequela.modalities._pictures import spacing_of
from sequela.types import Payload

AXES = ("axial", "coronal", "sagittal")  # across the slices, rows and columns of a stored volume
ALIKE = 1.01  # spacings that differ by less are no reason to prefer an axis


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
