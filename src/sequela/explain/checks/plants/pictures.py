"""A patch of a picture or volume (C, *S), brighter for one label and darker for the other, in all channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from sequela.explain.checks.cells import cells_seen
from sequela.explain.checks.plants import SHIFT, Put, window
from sequela.explain.checks.stability import spread
from sequela.types import Array, Ragged, Spec

SIDE = 6  # a patch is one of so many as long as the picture


@dataclass(frozen=True, slots=True)
class Patch:
    """By how much, of each channel."""

    by: Array  # float32 "C 1…"
    told: ClassVar[str] = "patch"

    def put(self, ragged: Ragged, label: Array, random: np.random.Generator) -> Put:
        """At one place, in one of STEPS of a row's pictures."""
        values = np.array(ragged.values)
        truth = np.zeros(values.shape, bool)
        for row, up in enumerate(label.tolist()):
            own = slice(int(ragged.offsets[row]), int(ragged.offsets[row + 1]))
            if own.stop > own.start:
                at: tuple[Any, ...] = (window(own.stop - own.start, random), slice(None), *_part(values.shape[2:], random))
                truth[own][at] = True
                values[own][at] += self.by if up else -self.by
        return Put(replace(ragged, values=values), truth)


def settle(ragged: Ragged, spec: Spec) -> Patch | None:
    """None where pictures do not vary, or are no more than a few points long."""
    if min(ragged.values.shape[2:]) < SIDE:
        return None
    varying = spread(np.asarray(ragged.values), cells_seen(ragged, spec))
    return Patch((SHIFT * varying).astype(np.float32)) if (varying > 0).all() else None


def _part(size: tuple[int, ...], random: np.random.Generator) -> tuple[slice, ...]:
    begins = [int(random.integers(points - _long(points) + 1)) for points in size]
    return tuple(slice(begin, begin + _long(points)) for begin, points in zip(begins, size, strict=True))


def _long(points: int) -> int:
    return max(1, round(points / SIDE))
