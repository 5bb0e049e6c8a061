"""Pictures read at other places: all changes of where points come from made one, and each row read in the cheapest way that fits.

    still   the row stays as it is
    whole   only mirrored and turned by right angles: points change places, exactly
    flat    rows and columns by themselves, slices by themselves: a volume is read as a picture whose slices are channels
    free    anything else

Values are read linearly between points, labels at the nearest. Values outside are those of the nearest edge, labels -1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from sequela.prep.augment import splines

EXACT = 1e-5  # a map so near to one that swaps whole points is one
AT_ONCE = 2**18  # points that are reckoned at once on a processor: what they need then fits its cache
Way: TypeAlias = str | tuple[int, ...]  # still, flat, free; or of a whole one: the axis and direction that each axis comes from


@dataclass(frozen=True, slots=True)
class Part:
    """Some points of a picture: all those from first to last along its first axis."""

    shape: tuple[int, ...]  # *S of the whole
    first: int = 0
    last: int | None = None  # None: to the end

    def centred(self, device: torch.device) -> list[Tensor]:
        """Along each axis, how far from the centre of the whole its points are."""
        along = [torch.arange(size, device=device) - (size - 1) / 2 for size in self.shape]
        return [along[0][self.first : self.last], *along[1:]]


@dataclass(frozen=True, slots=True)
class Warp:
    """Where the points of N new pictures lie in the old ones, in points from the centre."""

    turn: Tensor  # "N n n"
    moved: Tensor  # "N n"
    bend: Tensor | None  # "N n *(cells+3)": see splines; None: nothing is bent

    def ways(self, shape: tuple[int, ...]) -> list[Way]:
        """How each row of this shape may be read."""
        axes, size = len(shape), torch.tensor(shape, dtype=self.turn.dtype)
        nearest = self.turn.round()
        whole = ((self.turn - nearest).abs() < EXACT).all(2).all(1) & (nearest.abs().sum(2) == 1).all(1)
        whole &= (self.moved.abs() < EXACT).all(1) & (nearest.abs() @ size == size).all(1)
        mixed = self.turn[:, 0, 1:].any(1) | self.turn[:, 1:, 0].any(1) if axes == 3 else torch.ones_like(whole)
        if self.bend is not None:
            bent = self.bend.flatten(1).any(1)
            whole, mixed = whole & ~bent, mixed | bent
        comes = (nearest * torch.arange(1.0, axes + 1)).sum(2).long()
        return [_way(*each) for each in zip(whole.tolist(), mixed.tolist(), comes.tolist(), strict=True)]

    def take(self, rows: slice | Tensor) -> Warp:
        return Warp(self.turn[rows], self.moved[rows], None if self.bend is None else self.bend[rows])

    def to(self, device: torch.device) -> Warp:
        bend = None if self.bend is None else self.bend.to(device)
        return Warp(self.turn.to(device), self.moved.to(device), bend)

    def source(self, axis: int, part: Part, out: Tensor | None = None, scale: float = 1.0, first: float = 0.0) -> Tensor:
        """Where each new point lies along an axis of the old picture, "N *S", as scale * (the number of the point) + first."""
        axes = len(part.shape)
        terms = [
            (self.turn[:, axis, along, None] * (centred * scale)).reshape(
                -1, *[len(centred) if i == along else 1 for i in range(axes)]
            )
            for along, centred in enumerate(part.centred(self.turn.device))
        ]
        start = self.moved[:, axis] * scale + (part.shape[axis] - 1) / 2 * scale + first
        terms[0] = terms[0] + start.reshape(-1, *[1] * axes)
        found = torch.add(sum(terms[1:-1], start=terms[0]), terms[-1], out=out)
        return found if self.bend is None else found.add_(self._bent(axis, part), alpha=scale)

    def _bent(self, axis: int, part: Part) -> Tensor:
        assert self.bend is not None  # asked of a bent one
        return splines.spread(self.bend[:, axis, None], part.shape, part.first, part.last)[:, 0]


def composed(maps: Sequence[Tensor], bends: Sequence[Tensor], spacing: Sequence[float]) -> Warp | None:
    """One warp for changes that act one after another, in the order given; bends are added to it. None where there is no change.

    Maps "N n n+1", less those that leave all in place, and bends "N n *(cells+3)" are in the unit of the spacing.
    """
    if not maps and not bends:
        return None
    scale = torch.tensor(spacing)
    axes = len(scale)
    still = torch.eye(axes + 1)
    whole = still.repeat(len((*maps, *bends)[0]), 1, 1)
    for change in maps:
        whole = whole @ (functional.pad(change, (0, 0, 0, 1)) + still)
    turn = whole[:, :axes, :axes] * scale / scale[:, None]
    bend = None
    for one in bends:
        inside = one / scale.reshape(-1, *[1] * axes)
        bend = inside if bend is None else bend + inside
    return Warp(turn, whole[:, :axes, axes] / scale, bend)


def _way(whole: bool, mixed: bool, comes: list[int]) -> Way:
    if not whole:
        return "free" if mixed else "flat"
    return "still" if comes == list(range(1, len(comes) + 1)) else tuple(comes)


def values_at(values: Tensor, warp: Warp) -> Tensor:
    """Values "N C *S" as the warp shows them; the input is left alone."""
    found = torch.empty_like(values)
    for way, rows in _together(warp, tuple(values.shape[2:]), values):
        found[rows] = _read(values[rows], warp.take(rows).to(values.device), way)
    return found


def labels_at(labels: Tensor, warp: Warp) -> Tensor:
    """Labels, int64 "N *S", as the warp shows them; -1 outside."""
    found = torch.empty_like(labels)
    for way, rows in _together(warp, tuple(labels.shape[1:]), labels):
        found[rows] = _labels(labels[rows], warp.take(rows).to(labels.device), way)
    return found


def _together(warp: Warp, shape: tuple[int, ...], values: Tensor) -> Iterator[tuple[Way, slice | Tensor]]:
    """Rows that are read in the same way; on a processor a few at a time."""
    ways = warp.ways(shape)
    step = len(ways) if values.is_cuda else max(1, AT_ONCE // max(1, values[:1].numel()))
    for way in dict.fromkeys(ways):
        rows = [i for i, other in enumerate(ways) if other == way]
        for first in range(0, len(rows), step):
            few = rows[first : first + step]
            in_line = few[-1] - few[0] == len(few) - 1  # a slice copies nothing
            yield way, slice(few[0], few[-1] + 1) if in_line else torch.tensor(few)


def _labels(labels: Tensor, warp: Warp, way: Way) -> Tensor:
    if way == "still":
        return labels
    return _nearest(labels, warp) if isinstance(way, str) else _whole(labels[:, None], way)[:, 0]


def _read(values: Tensor, warp: Warp, way: Way) -> Tensor:
    if way == "still":
        return values
    if not isinstance(way, str):
        return _whole(values, way)
    if way == "flat":
        return _flat(values, warp)
    if values.ndim == 5 and not values.is_cuda:
        return _volumes(values, warp)
    return _pictures(values, warp)


def _whole(values: Tensor, comes: tuple[int, ...]) -> Tensor:
    """Values "N C *S" whose axis i runs along the new axis |comes[i]|, counted from 1; backward where that is negative."""
    order = [0] * len(comes)
    for old, (along, _) in enumerate((abs(c) - 1, c) for c in comes):
        order[along] = old
    turned = values.permute(0, 1, *(axis + 2 for axis in order))
    backward = [abs(c) - 1 + 2 for c in comes if c < 0]
    return turned.flip(backward) if backward else turned


def _pictures(values: Tensor, warp: Warp) -> Tensor:
    """Values "N C *S" read anywhere by torch's own means, linearly."""
    part = Part(tuple(values.shape[2:]))
    grid = values.new_empty(len(values), *part.shape, len(part.shape))
    for axis, size in enumerate(part.shape, 1):
        warp.source(axis - 1, part, grid[..., -axis], 2 / size, 1 / size - 1)
    return functional.grid_sample(values, grid, "bilinear", "border", align_corners=False)


def _flat(values: Tensor, warp: Warp) -> Tensor:
    """Volumes "N C D H W" whose slices are moved and whose rows and columns are: slices are channels, then mixed."""
    count, channels, depth, *plane = values.shape
    inner = Warp(warp.turn[:, 1:, 1:], warp.moved[:, 1:], None)
    found = _pictures(values.reshape(count, channels * depth, *plane), inner)
    along = torch.arange(depth, device=values.device, dtype=values.dtype)
    middle = (depth - 1) / 2
    source = ((along - middle) * warp.turn[:, 0, :1] + warp.moved[:, :1] + middle).clamp(0, depth - 1)
    mixed = (1 - (source[:, :, None] - along).abs()).clamp(min=0)  # "N D D"
    if bool((mixed == torch.eye(depth, device=values.device)).all()):
        return found.reshape(values.shape)
    slices = found.reshape(count, channels, depth, -1)
    return torch.matmul(mixed[:, None], slices).reshape(values.shape)


def _volumes(values: Tensor, warp: Warp) -> Tensor:
    """Volumes "N C D H W" read anywhere on a processor, which reads several points of a picture at a time, of a volume one.

    The slices are taken as one tall picture, laid below one another, beside the same from the second slice on; new slices are
    made a few at a time.
    """
    size = tuple(values.shape[2:])
    found = torch.empty_like(values, memory_format=torch.contiguous_format)
    values = values.contiguous() if size[0] > 1 else values.repeat(1, 1, 2, 1, 1)
    step = max(1, AT_ONCE // (size[1] * size[2]))
    for row in range(len(values)):
        one = warp.take(slice(row, row + 1))
        for first in range(0, size[0], step):
            _slab(values[row], one, Part(size, first, first + step), found[row, :, first : first + step])
    return found


def _slab(values: Tensor, warp: Warp, part: Part, out: Tensor) -> None:
    """Some new slices "C n H W" of one volume "C D H W"."""
    depth, height, width = values.shape[1:]
    rows = (depth - 1) * height
    down = warp.source(0, part).clamp_(0, part.shape[0] - 1)
    below = down.floor().clamp_(max=depth - 2)
    rest = down.sub_(below)[0]
    row = warp.source(1, part).clamp_(0, height - 1).add_(below, alpha=height)
    grid = row.new_empty(*row.shape, 2)
    torch.add(row.new_tensor(1 / rows - 1), row, alpha=2 / rows, out=grid[..., 1])
    warp.source(2, part, grid[..., 0], 2 / width, 1 / width - 1)
    grid = grid.flatten(1, 2)
    for volume, made in zip(values, out, strict=True):
        both = volume.as_strided((1, 2, rows, width), (0, height * width, width, 1))
        read = functional.grid_sample(both, grid, "bilinear", "border", align_corners=False)[0].reshape(2, *made.shape)
        torch.lerp(read[0], read[1], rest, out=made)


def _nearest(labels: Tensor, warp: Warp) -> Tensor:
    """Labels "N *S" at the nearest point."""
    shape = tuple(labels.shape[1:])
    found = torch.empty_like(labels)
    step = shape[0] if labels.is_cuda else max(1, AT_ONCE // math.prod(shape[1:]) // len(labels))
    for first in range(0, shape[0], step):
        place, inside = _places(warp, Part(shape, first, first + step))
        read = labels.flatten(1).gather(1, place.flatten(1)).reshape(place.shape)
        found[:, first : first + step] = read.masked_fill_(~inside, -1)
    return found


def _places(warp: Warp, part: Part) -> tuple[Tensor, Tensor]:
    """The number of the nearest old point to each new one, and whether there is one: int64 and bool "N n *rest"."""
    place, inside = torch.zeros((), dtype=torch.int64), torch.ones((), dtype=torch.bool)
    for axis, size in enumerate(part.shape):
        index = warp.source(axis, part).round_()
        within = index.clamp(0, size - 1)
        inside = (index == within).logical_and_(inside.to(index.device))
        place = within.long().add_(place.to(index.device), alpha=size)
    return place, inside
