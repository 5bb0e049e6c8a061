"""The sizes that a network works at, planned from those of the training pictures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

from sequela.errors import DataError
from sequela.modalities._pictures import Pictures, Recipe, spacing_of
from sequela.types import Payload

T = TypeVar("T", bound=Hashable)

POINTS = {2: 2**16, 3: 2**17}  # of a patch planned by itself, about: what a small U-Net learns from on a CPU in minutes an epoch
LEAST, DEEPEST = 4, 32  # points left on each axis after all halvings; the largest divisor of a side


def commonest(given: Sequence[T]) -> T:
    """What most are; of equally common ones the first."""
    return Counter(given).most_common(1)[0][0]


def median(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Axis by axis."""
    return tuple(float(number) for number in np.median(np.array(rows, np.float64), 0))


def sides(payloads: Sequence[Payload], apart: tuple[float, ...] | None) -> list[tuple[int, ...]]:
    """Sizes of the pictures or volumes with points so far apart; None: as they are stored."""
    pictures = Pictures(payloads, Recipe(channels=1, mean=(0.0,), spread=(1.0,), spacing=apart))
    return [pictures.grid(entry).size for entry in range(len(payloads))]


def spacing(payloads: Sequence[Payload], asked: str | tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Millimetres between the points of the model's pictures: as asked for, or the median; None: as stored.

    Raises DataError where some pictures do not tell theirs.
    """
    if asked is None:
        return None
    told = [one for payload in payloads if (one := spacing_of(payload)) is not None]
    if len(told) < len(payloads):
        raise DataError(
            f"{len(payloads) - len(told)} of {len(payloads)} training pictures do not tell their spacing",
            hint="leave spacing out: pictures are then taken point by point",
        )
    return median(told) if isinstance(asked, str) else asked


def planned_patch(sizes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The patch for pictures of these sizes in the model's grid, in the manner of nnU-Net (Isensee 2021).

    The median size, shrunk in proportion where it has more than POINTS points, each side then raised to the next multiple of the
    power of two (32 at most) by which it can be halved with LEAST points left. Ours differs in the bound, which is nnU-Net's
    memory of a GPU and here the time of a CPU.

    >>> planned_patch([(36, 50, 35)])
    (40, 56, 40)
    """
    middle = np.median(np.array(sizes, np.float64), 0)
    excess = math.prod(middle.tolist()) / POINTS[len(middle)]
    shrunk = middle / max(1.0, excess) ** (1 / len(middle))
    return tuple(_raised(side) for side in shrunk.tolist())


def _raised(side: float) -> int:
    """To a multiple of a power of two."""
    divisor = 1
    while divisor < DEEPEST and side / (2 * divisor) >= LEAST:
        divisor *= 2
    return max(1, math.ceil(side / divisor - 1e-9)) * divisor
