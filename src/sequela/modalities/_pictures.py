"""Stored pictures and volumes as a model sees them: whole ones of one size, or any part of one (types.Fields)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sequela.modalities._picture_values import grey_levels, rounded, seen, shares, with_channels
from sequela.modalities._window import Bounds, windowed
from sequela.prep import grid as grids
from sequela.prep.resample import taps
from sequela.prep.scratch import Shelf
from sequela.types import Array, Grid, Payload, Space

KEPT = 64 * 2**20  # bytes of a resampled picture up to which it is made whole, once; of a larger one what is asked for
EMPTY = 0.1  # share of points that are exactly 0 from which on these are taken for no part of the body
SLAB = 2**22  # points worked on at once for the mean of a picture


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that says how a stored picture becomes the model's."""

    channels: int  # of the model's picture
    mean: tuple[float, ...]  # of each channel, in shares of full scale or of the window
    spread: tuple[float, ...]
    size: tuple[int, ...] | None = None  # None: that of the picture itself, at `spacing`
    crop: bool = False  # to that size by the middle, else by stretching
    spacing: tuple[float, ...] | None = None  # mm between points; None: as stored
    windows: tuple[Bounds, ...] = ()
    each: bool = False  # every picture is standardised by its own mean and spread
    patch: tuple[int, ...] | None = None
    patches: int = 1
    foreground: float = 0.0

    @property
    def stored(self) -> int:
        """Channels that are read of a stored picture: under several windows, one."""
        return 1 if len(self.windows) > 1 else self.channels


def spacing_of(payload: Payload) -> tuple[float, ...] | None:
    """Millimetres between the points of a picture (rows, columns) or volume (slices, rows, columns); None where nobody told."""
    return None if payload.space is None else payload.space.spacing[-(payload.values.ndim - 1) :]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures as float32 "C *S" (types.Fields), read and made ready when they are asked for.

    With a patch, an index gives the middle patch of each picture; without one, whole pictures at the model's size.
    """

    payloads: Sequence[Payload]
    recipe: Recipe
    dtype = np.dtype(np.float32)
    _shelf: list[Shelf] = field(default_factory=list)
    _moments: dict[int, tuple[Array, Array]] = field(default_factory=dict)

    @property
    def patch(self) -> tuple[int, ...] | None:
        return self.recipe.patch

    @property
    def patches(self) -> int:
        return self.recipe.patches

    @property
    def foreground(self) -> float:
        return self.recipe.foreground

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.payloads), self.recipe.channels, *(self.recipe.patch or self.recipe.size or ())

    def __getitem__(self, index: Array, /) -> Array:
        if not len(index):
            return np.zeros((0, *self.shape[1:]), np.float32)
        return np.stack([self._middle(int(i)) for i in index])

    def _middle(self, entry: int) -> Array:
        size = self.shape[2:]
        corner = [(whole - part) // 2 for whole, part in zip(self.grid(entry).size, size, strict=True)]
        return self.crop(entry, corner, size)

    def grid(self, entry: int) -> Grid:
        stored, recipe = self.payloads[entry].values.shape[1:], self.recipe
        own = None if recipe.spacing is None else spacing_of(self.payloads[entry])
        apart = None if own is None or recipe.spacing is None else (own, recipe.spacing)
        if recipe.size is None:
            return grids.plain(stored) if apart is None else grids.spaced(stored, *apart)
        if not recipe.crop:
            return grids.stretched(stored, recipe.size)
        scale = [1.0] * len(stored) if apart is None else [old / new for old, new in zip(*apart, strict=True)]
        return grids.centred(stored, recipe.size, scale)

    def space(self, entry: int) -> Space | None:
        return self.payloads[entry].space

    def name(self, entry: int) -> str:
        return self.payloads[entry].name

    def crop(self, entry: int, corner: Sequence[int], size: Sequence[int]) -> Array:
        grid = self.grid(entry)
        low, high = [], []
        for first, count, (begin, end) in zip(corner, size, grids.covered(grid), strict=True):
            low.append(min(max(first, begin), end))
            high.append(max(min(first + count, end), low[-1]))
        shape = (self.recipe.channels, *size)
        part = tuple(b - a for a, b in zip(low, high, strict=True))
        if not all(part):
            return np.zeros(shape, np.float32)
        ready = self._standardised(entry, self._part(entry, grid, low, high))
        if part == tuple(size):
            return ready
        found = np.zeros(shape, np.float32)
        found[(slice(None), *(slice(a - c, b - c) for a, b, c in zip(low, high, corner, strict=True)))] = ready
        return found

    def shown(self, entry: int) -> Array:
        values = self.payloads[entry].values
        return grey_levels(windowed(values[:1], self.recipe.windows[:1])) if self.recipe.windows else seen(values)

    def scaled(self, entry: int) -> Array:
        """What of the model's picture holds the stored one, not yet standardised: shares of full scale, or of the window."""
        grid = self.grid(entry)
        low, high = zip(*grids.covered(grid), strict=True)
        return self._shares(self._part(entry, grid, low, high))

    def _shares(self, part: Array) -> Array:
        return windowed(part, self.recipe.windows) if self.recipe.windows else shares(part)

    def _standardised(self, entry: int, part: Array) -> Array:
        mean, spread = self._scale(entry)
        found = self._shares(part)
        found -= mean.reshape(-1, *[1] * (part.ndim - 1))
        found /= spread.reshape(-1, *[1] * (part.ndim - 1))
        return found

    def _scale(self, entry: int) -> tuple[Array, Array]:
        """Mean and spread of each channel, float32 "C"."""
        known = entry if self.recipe.each else -1
        if known not in self._moments:
            pair = self._own(entry) if self.recipe.each else (self.recipe.mean, self.recipe.spread)
            self._moments[known] = np.array(pair[0], np.float32), np.array(pair[1], np.float32)
        return self._moments[known]

    def _own(self, entry: int) -> tuple[Array, Array]:
        """Of the stored picture itself; where a tenth of its points or more are exactly 0, of the others alone."""
        values = self.payloads[entry].values
        points = values.reshape(len(values), -1)
        empty = np.mean([np.count_nonzero(channel == 0) / channel.size for channel in points]) >= EMPTY
        total = np.zeros((3, self.recipe.channels))
        for first in range(0, points.shape[1], SLAB):
            raw = with_channels(points[:, first : first + SLAB], self.recipe.stored)
            found = self._shares(raw).astype(np.float64)
            counted = np.broadcast_to(raw != 0, found.shape) if empty else np.ones(found.shape, bool)
            total += [counted.sum(1), (found * counted).sum(1), (found**2 * counted).sum(1)]
        count = total[0]
        mean, square = total[1:] / np.maximum(count, 1)
        spread = np.sqrt(np.maximum(square - mean**2, 0))
        return np.where(count > 0, mean, 0.0), np.where(spread > 1e-6, spread, 1.0)

    def _part(self, entry: int, grid: Grid, low: Sequence[int], high: Sequence[int]) -> Array:
        """The model's points from `low` up to `high`, all on the stored picture, in the stored type and the recipe's channels."""
        values = self.payloads[entry].values
        if all(scale == 1 and float(offset).is_integer() for scale, offset in zip(grid.scale, grid.offset, strict=True)):
            here = (slice(a - int(o), b - int(o)) for a, b, o in zip(low, high, grid.offset, strict=True))
            return with_channels(values[(slice(None), *here)], self.recipe.stored)
        shelf = self._kept()
        if not shelf.holds(entry):
            return self._resampled(values, grid, low, high)
        begin, end = zip(*grids.covered(grid), strict=True)
        shape = (self.recipe.stored, *(b - a for a, b in zip(begin, end, strict=True)))
        made = shelf.get(entry, shape, values.dtype, lambda: self._resampled(values, grid, begin, end))
        return made[(slice(None), *(slice(a - c, b - c) for a, b, c in zip(low, high, begin, strict=True)))]

    def _kept(self) -> Shelf:
        if not self._shelf:
            sizes = [self._bytes(entry) for entry in range(len(self.payloads))]
            self._shelf.append(Shelf([size if size <= KEPT else 0 for size in sizes]))
        return self._shelf[0]

    def _bytes(self, entry: int) -> int:
        """That the model's picture takes in the stored type."""
        points = math.prod(end - begin for begin, end in grids.covered(self.grid(entry)))
        return points * self.recipe.stored * self.payloads[entry].values.dtype.itemsize

    def _resampled(self, values: Array, grid: Grid, low: Sequence[int], high: Sequence[int]) -> Array:
        """These points of the model's picture, made of the stored points about them alone."""
        axes = zip(low, high, grid.stored, grid.scale, grid.offset, strict=True)
        each = [taps(a, b, stored, scale, offset) for a, b, stored, scale, offset in axes]
        reach = [one.reach for one in each]
        block = with_channels(values[(slice(None), *(slice(*ends) for ends in reach))], self.recipe.stored)
        found = block.astype(np.float32)
        for axis, (one, ends) in enumerate(zip(each, reach, strict=True), 1):
            found = one.within(*ends).apply(found, axis, ends[0])
        return rounded(found, values.dtype)


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole images "C H W" row by row: entry i * H + h is row h of image i, "n (W C)"."""

    images: Pictures
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        count, channels, height, width = self.images.shape
        return count * height, width * channels

    def __getitem__(self, index: Array, /) -> Array:
        image, row = np.divmod(index, self.images.shape[2])
        wanted, place = np.unique(image, return_inverse=True)
        found = self.images[wanted].transpose(0, 2, 3, 1)  # n H W C
        return found[place, row].reshape(len(index), self.shape[1])
