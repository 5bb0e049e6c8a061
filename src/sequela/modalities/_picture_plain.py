"""Pictures as plain columns for the baselines: few grey points, their statistics, and orientations of edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sequela.modalities._picture_values import grey
from sequela.prep.resample import resized
from sequela.types import Array

SIDE = {2: 28, 3: 8}  # points along each axis of a small picture or volume, at most
CELLS, ORIENTATIONS, BINS = 4, 6, 8
FINER = 4  # a large picture is read at so many times as many points along each axis, at most, before it is made small


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns for pictures that are brought to one small size."""

    size: tuple[int, ...]
    centre: float  # of the histogram
    width: float  # of one bin of it

    @staticmethod
    def of(size: tuple[int, ...], mean: Sequence[float], spread: Sequence[float]) -> Columns:
        """For pictures of this size, or larger ones, of such values."""
        most = SIDE[len(size)]
        small = tuple(min(side, most) for side in size)
        return Columns(small, float(np.mean(mean)), float(4 * np.mean(spread) / BINS))

    @property
    def names(self) -> tuple[str, ...]:
        """Of pictures with the edges by cell and orientation; volumes have none."""
        pixels = ["pixel_" + "_".join(map(str, place)) for place in np.ndindex(self.size)]
        cells = [f"edge_{h}_{w}_{o}" for h in range(CELLS) for w in range(CELLS) for o in range(ORIENTATIONS)]
        histogram = (f"histogram_{b}" for b in range(BINS))
        return (*pixels, "mean", "spread", "least", "most", *histogram, *(cells if len(self.size) == 2 else ()))

    def small(self, picture: Array, values: Callable[[Array], Array]) -> Array:
        """A stored picture "C *S" grey and small, its points thinned out first; `values` makes numbers of what is stored."""
        step = [max(1, side // (FINER * wanted)) for side, wanted in zip(picture.shape[1:], self.size, strict=True)]
        thin = values(picture[(slice(None), *(slice(None, None, n) for n in step))])
        found: Array = resized(grey(thin)[None, None], self.size)[0, 0]
        return found

    def summaries(self, pictures: Array) -> Array:
        """The columns for grey pictures "n *S" of any one size."""
        small = resized(pictures[:, None], self.size)[:, 0]
        flat = small.reshape(len(small), -1)
        binned = np.clip((flat - self.centre) / self.width + BINS / 2, 0, BINS - 1).astype(np.int64)
        histogram = np.stack([(binned == b).mean(1) for b in range(BINS)], 1)
        moments = np.stack([flat.mean(1), flat.std(1), flat.min(1), flat.max(1)], 1)
        columns = [flat, moments, histogram]
        return np.concatenate(columns + ([_edges(small)] if small.ndim == 3 else []), 1)


def _edges(images: Array) -> Array:
    """Strength of edges by orientation in each of 4 × 4 cells, "n 96" (Dalal and Triggs 2005)."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    down, across = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    strength = np.hypot(down, across)
    orientation = (np.arctan2(down, across) / np.pi % 1 * ORIENTATIONS).astype(np.int64) % ORIENTATIONS
    votes = np.stack([np.where(orientation == o, strength, 0) for o in range(ORIENTATIONS)], -1)  # n H W O
    row, column = (np.linspace(0, side, CELLS + 1).astype(np.int64) for side in images.shape[1:])
    cells = [
        votes[:, row[h] : row[h + 1], column[w] : column[w + 1]].sum((1, 2)) / max(1, images[0].size)
        for h in range(CELLS)
        for w in range(CELLS)
    ]
    return np.concatenate(cells, 1)
