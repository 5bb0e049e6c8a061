"""Pictures read at other places: all changes of where points come from made one, and each row read in the cheapest way that fits.

    still   the row stays as it is
    whole   only mirrored and turned by right angles: points change places, exactly
    flat    rows and columns by themselves, slices by themselves: a volume is read as a picture whose slices are channels
    free    anything else

Values are read linearly between points, labels at the nearest. Values outside are those of the nearest edge, labels -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from sequela.prep.augment import splines

EXACT = 1e-5  # a map so near to one that swaps whole points is one
Way: TypeAlias = str | tuple[int, ...]  # still, flat, free; or of a whole one: the axis and direction that each axis comes from


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

    def take(self, rows: Tensor) -> Warp:
        return Warp(self.turn[rows], self.moved[rows], None if self.bend is None else self.bend[rows])

    def to(self, device: torch.device) -> Warp:
        bend = None if self.bend is None else self.bend.to(device)
        return Warp(self.turn.to(device), self.moved.to(device), bend)

    def source(
        self, axis: int, shape: tuple[int, ...], out: Tensor | None = None, scale: float = 1.0, first: float = 0.0
    ) -> Tensor:
        """Where each new point lies along an axis of the old picture, "N *S", as scale * (the number of the point) + first."""
        centred = [(torch.arange(size, device=self.turn.device) - (size - 1) / 2) * scale for size in shape]
        parts = [
            (self.turn[:, axis, along, None] * centred[along]).reshape(
                -1, *[size if i == along else 1 for i, size in enumerate(shape)]
            )
            for along in range(len(shape))
        ]
        parts[0] = parts[0] + (self.moved[:, axis] * scale + (shape[axis] - 1) / 2 * scale + first).reshape(-1, *[1] * len(shape))
        found = torch.add(sum(parts[1:-1], start=parts[0]), parts[-1], out=out)
        return found if self.bend is None else found.add_(splines.spread(self.bend[:, axis, None], shape)[:, 0], alpha=scale)


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
    ways = warp.ways(tuple(values.shape[2:]))
    warp = warp.to(values.device)
    found = torch.empty_like(values)
    for way in dict.fromkeys(ways):
        rows = torch.tensor([i for i, other in enumerate(ways) if other == way], device=values.device)
        if len(rows) == len(ways):
            return _read(values, warp, way)
        found[rows] = _read(values[rows], warp.take(rows), way)
    return found


def labels_at(labels: Tensor, warp: Warp) -> Tensor:
    """Labels, int64 "N *S", as the warp shows them; -1 outside."""
    ways = warp.ways(tuple(labels.shape[1:]))
    warp = warp.to(labels.device)
    found = labels.clone()
    for way in dict.fromkeys(ways):
        if way == "still":
            continue
        rows = torch.tensor([i for i, other in enumerate(ways) if other == way], device=labels.device)
        found[rows] = _nearest(labels[rows], warp.take(rows)) if isinstance(way, str) else _whole(labels[rows, None], way)[:, 0]
    return found


def _read(values: Tensor, warp: Warp, way: Way) -> Tensor:
    if way == "still":
        return values.clone()
    if not isinstance(way, str):
        return _whole(values, way)
    if way == "flat":
        return _flat(values, warp)
    if values.ndim == 5:
        return _volumes(values, warp)
    return _pictures(values, warp)


def _whole(values: Tensor, comes: tuple[int, ...]) -> Tensor:
    """Values "N C *S" whose axis i runs along the new axis |comes[i]|, counted from 1; backward where that is negative."""
    order = [0] * len(comes)
    for old, (along, _) in enumerate((abs(c) - 1, c) for c in comes):
        order[along] = old
    turned = values.permute(0, 1, *(axis + 2 for axis in order))
    backward = [abs(c) - 1 + 2 for c in comes if c < 0]
    return turned.flip(backward) if backward else turned.contiguous()


def _pictures(values: Tensor, warp: Warp) -> Tensor:
    """Values "N C H W", bilinearly."""
    height, width = values.shape[2:]
    grid = values.new_empty(len(values), height, width, 2)
    for axis, size in enumerate((height, width)):
        warp.source(axis, (height, width), grid[..., 1 - axis], 2 / size, 1 / size - 1)
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
    """Volumes "N C D H W" read anywhere, trilinearly.

    On a processor the slices are laid below one another as one tall picture, with the next slice as further channels: reading a
    picture is done several points at a time there, reading a volume is not.
    """
    count, channels, *shape = values.shape
    size = depth, height, width = tuple(shape)
    if values.is_cuda:
        grid = values.new_empty(count, *size, 3)
        for axis, points in enumerate(size):
            warp.source(axis, size, grid[..., 2 - axis], 2 / points, 1 / points - 1)
        return functional.grid_sample(values, grid, "bilinear", "border", align_corners=False)
    grid = values.new_empty(count, depth * height, width, 2)
    warp.source(2, size, grid.view(count, *size, 2)[..., 0], 2 / width, 1 / width - 1)
    rest = warp.source(0, size).clamp_(0, depth - 1)
    slice_ = rest.floor()
    rest.sub_(slice_)
    tall = warp.source(1, size).clamp_(0, height - 1).add_(slice_, alpha=height)
    torch.add(torch.tensor(1 / (depth * height) - 1), tall.flatten(1, 2), alpha=2 / (depth * height), out=grid[..., 1])
    following = torch.cat([values[:, :, 1:], values[:, :, -1:]], 2)
    both = torch.cat([values, following], 1).reshape(count, 2 * channels, depth * height, width)
    found = functional.grid_sample(both, grid, "bilinear", "border", align_corners=False).reshape(count, 2, *values.shape[1:])
    return torch.lerp(found[:, 0], found[:, 1], rest[:, None])


def _nearest(labels: Tensor, warp: Warp) -> Tensor:
    """Labels "N *S" at the nearest point."""
    shape = tuple(labels.shape[1:])
    place, inside = None, None
    for axis, size in enumerate(shape):
        index = warp.source(axis, shape).round_()
        within = (index >= 0) & (index < size)
        inside = within if inside is None else inside & within
        index = index.clamp_(0, size - 1).long()
        place = index if place is None else place * size + index
    assert place is not None and inside is not None  # a picture has axes
    found = labels.flatten(1).gather(1, place.flatten(1)).reshape(labels.shape)
    return found.masked_fill_(~inside, -1)
