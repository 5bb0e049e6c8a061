"""The slices of volumes, one by one or several neighbours together, read when they are asked for (types.Steps)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sequela.modalities._pictures import Pictures
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Plan:
    """How a volume is taken apart."""

    axis: int  # of (D, H, W)
    size: tuple[int, int]  # of a slice: rows and columns of the other two axes, in their order
    slab: int = 1  # neighbouring slices of a step, its channels
    step: int = 1  # from the middle slice of a step to that of the next

    def count(self, sides: Sequence[int]) -> int:
        """Steps of a volume of these sides."""
        return -(-sides[self.axis] // self.step)

    def part(self, sides: Sequence[int], number: int) -> tuple[list[int], list[int]]:
        """Corner and size of a step: about the middle of the other two axes, from before the first slice to after the last."""
        corner, size, wanted = [0, 0, 0], [0, 0, 0], iter(self.size)
        for axis, side in enumerate(sides):
            size[axis] = self.slab if axis == self.axis else next(wanted)
            corner[axis] = number * self.step - (self.slab - 1) // 2 if axis == self.axis else (side - size[axis]) // 2
        return corner, size


@dataclass(frozen=True)
class Slabs:
    """All steps of all volumes, end to end: float32 "n (C slab) h w"; what lies outside of a volume is 0."""

    pictures: Pictures
    plan: Plan
    dtype = np.dtype(np.float32)

    @cached_property
    def ends(self) -> Array:
        """int64 "V+1": volume v has the steps ends[v]:ends[v+1]."""
        counts = [self.plan.count(self.pictures.grid(entry).size) for entry in range(len(self.pictures.payloads))]
        return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])

    @property
    def shape(self) -> tuple[int, ...]:
        return int(self.ends[-1]), self.pictures.recipe.channels * self.plan.slab, *self.plan.size

    def __getitem__(self, index: Array, /) -> Array:
        if not len(index):
            return np.zeros((0, *self.shape[1:]), np.float32)
        volume = np.searchsorted(self.ends, index, side="right") - 1
        return np.stack([self._step(int(v), int(i - self.ends[v])) for v, i in zip(volume, index, strict=True)])

    def _step(self, volume: int, number: int) -> Array:
        corner, size = self.plan.part(self.pictures.grid(volume).size, number)
        part = np.moveaxis(self.pictures.crop(volume, corner, size), 1 + self.plan.axis, 1)  # C slab h w
        return part.reshape(self.shape[1:])
