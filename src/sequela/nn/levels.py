"""How often a U-Net halves which axis, from the size of its patch and its spacing (nnU-Net: Isensee 2021, supplementary note 2).

An axis is halved on the way to the next level while each half keeps 4 points or more and its spacing is less than twice the
smallest of the axes that can be halved: thick slices wait until the pixels within them are as coarse. A convolution spans 3
points along an axis from the level on where its spacing is less than twice the smallest, and 1 point before, since a slice far
away says little of this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FEWEST = 4  # points of an axis at the coarsest level
FAR = 2.0  # an axis whose points lie this many times as far apart as the nearest is left alone


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a U-Net."""

    stride: tuple[int, ...]  # from the level above, 1 or 2 along each axis
    kernel: tuple[int, ...]  # of its convolutions, 1 or 3 along each axis
    size: tuple[int, ...]  # points along each axis


def plan(size: Sequence[int], spacing: Sequence[float] = (), most: int = 8) -> tuple[Level, ...]:
    """The levels for pictures or volumes of this size, finest first, `most` at most; without spacing, points are cubes.

    >>> [level.stride for level in plan((12, 32, 32), (4.0, 1.0, 1.0))]
    [(1, 1, 1), (1, 2, 2), (1, 2, 2), (2, 2, 2)]
    """
    return tuple(_levels(tuple(size), tuple(spacing) or (1.0,) * len(size), most))


def _levels(size: tuple[int, ...], spacing: tuple[float, ...], most: int) -> Iterator[Level]:
    stride, kernel = (1,) * len(size), (1,) * len(size)
    for _ in range(most):
        near = min(spacing) * FAR
        kernel = tuple(3 if apart < near else before for apart, before in zip(spacing, kernel, strict=True))
        yield Level(stride, kernel, size)
        stride = _halved(size, spacing)
        if max(stride) == 1:
            return
        size = tuple(-(-points // step) for points, step in zip(size, stride, strict=True))
        spacing = tuple(apart * step for apart, step in zip(spacing, stride, strict=True))


def _halved(size: tuple[int, ...], spacing: tuple[float, ...]) -> tuple[int, ...]:
    """2 for each axis that is halved next, 1 for the others."""
    able = [apart for points, apart in zip(size, spacing, strict=True) if points >= 2 * FEWEST]
    near = min(able, default=0.0) * FAR
    return tuple(2 if points >= 2 * FEWEST and apart < near else 1 for points, apart in zip(size, spacing, strict=True))
