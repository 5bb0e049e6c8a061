"""The sizes that a network works at, planned from those of the training pictures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T", bound=Hashable)

POINTS = {2: 2**16, 3: 2**17}  # of a patch planned by itself, about: what a small U-Net learns from on a CPU in minutes an epoch
LEAST, DEEPEST = 4, 32  # points left on each axis after all halvings; the largest divisor of a side


def commonest(given: Sequence[T]) -> T:
    """What most are; of equally common ones the first."""
    return Counter(given).most_common(1)[0][0]


def median(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Axis by axis."""
    return tuple(float(number) for number in np.median(np.array(rows, np.float64), 0))


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
