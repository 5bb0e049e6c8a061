"""Where the points of a changed picture come from: maps "N n n+1", one for each row.

A map takes a point of the new picture to the point of the old one that is shown there, both in millimetres from the centre (in
points, where nobody knows the spacing), axis by axis in the order of the array: row, column; or slice, row, column. So a turn of
a volume whose slices are thick is a turn of the patient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from msgspec import Meta
from torch import Generator, Tensor

from sequela.errors import ConfigError
from sequela.prep.augment.drawing import Amount, Below1, Kind, Options, Rows, Share, some, uniform


class Shift(Options, frozen=True):
    by: Share = 0.1  # at most this share of each side, or of the window


class Rotate(Options, frozen=True):
    degrees: Amount = 10.0  # at most, either way: in the plane of the rows and columns
    tilt: Amount = 0.0  # degrees at most about the two other axes of a volume


class Quarter(Options, frozen=True):
    tilt: bool = False  # of a volume: also about its two other axes


class Scale(Options, frozen=True):
    by: Below1 = 0.1  # 0.1: from 0.9 to 1.1 times as large
    stretch: Below1 = 0.0  # 0.1: each side by itself from 0.9 to 1.1 times, on top


class Shear(Options, frozen=True):
    degrees: Annotated[float, Meta(ge=0, lt=45)] = 5.0  # by which each axis leans over to each other, at most


class Crop(Options, frozen=True):
    least: Annotated[float, Meta(gt=0, le=1)] = 0.5  # of the area or volume, shown at the size of the whole
    stretch: Below1 = 0.25  # how far the ratio of its sides may be from the whole's


class Flip(Options, frozen=True):
    horizontal: Share = 0.5  # how often
    vertical: Share = 0.0
    depth: Share = 0.0  # of a volume: its slices


class Elastic(Options, frozen=True):
    by: Annotated[float, Meta(ge=0, le=0.4)] = 0.2  # of a cell, at most; up to 0.4 nothing folds (Choi and Lee 2000)
    cells: Annotated[int, Meta(ge=1, le=64)] = 3  # along each side: the more, the finer the bends


# ------------------------------------------------------------------------------------------------------------------------ drawing


def _maps(turn: Tensor, rows: Rows, generator: Generator, moved: Tensor | None = None) -> Tensor:
    """The maps of the rows that have it, less those that leave all in place: numbers of 0 change nothing."""
    still = torch.eye(turn.shape[-1])
    moved = torch.zeros(rows.count, len(still)) if moved is None else moved
    change = torch.cat([turn - still, moved[:, :, None]], 2)
    return change * some(rows.often, generator)[:, None, None]


def _planes(axes: int, tilt: float) -> list[tuple[int, int]]:
    """The planes in which there is a turn, that of rows and columns first."""
    return [(axes - 2, axes - 1), *([(0, 1), (0, 2)] if axes == 3 and tilt else [])]


def _turns(cosine: Tensor, sine: Tensor, plane: tuple[int, int], axes: int) -> Tensor:
    """Turns in a plane, "N n n"."""
    first, second = plane
    turn = torch.eye(axes).repeat(len(cosine), 1, 1)
    turn[:, first, first], turn[:, second, second] = cosine, cosine
    turn[:, first, second], turn[:, second, first] = sine, -sine
    return turn


def _chained(turns: Sequence[Tensor]) -> Tensor:
    whole = turns[0]
    for turn in turns[1:]:
        whole = whole @ turn
    return whole


def _draw_shift(options: Shift, rows: Rows, generator: Generator) -> Tensor:
    axes = len(rows.shape)
    moved = uniform([rows.count, axes], options.by, generator) * rows.extent
    return _maps(torch.eye(axes).repeat(rows.count, 1, 1), rows, generator, moved)


def _draw_rotate(options: Rotate, rows: Rows, generator: Generator) -> Tensor:
    axes, turns = len(rows.shape), []
    for plane, most in zip(_planes(axes, options.tilt), (options.degrees, options.tilt, options.tilt), strict=False):
        angle = uniform([rows.count], math.radians(most), generator)
        turns.append(_turns(torch.cos(angle), torch.sin(angle), plane, axes))
    return _maps(_chained(turns), rows, generator)


def _draw_quarter(options: Quarter, rows: Rows, generator: Generator) -> Tensor:
    axes, turns = len(rows.shape), []
    for plane in _planes(axes, options.tilt):
        times = torch.randint(4, [rows.count], generator=generator)
        turns.append(_turns(torch.tensor([1.0, 0, -1, 0])[times], torch.tensor([0.0, 1, 0, -1])[times], plane, axes))
    return _maps(_chained(turns), rows, generator)


def _draw_scale(options: Scale, rows: Rows, generator: Generator) -> Tensor:
    axes = len(rows.shape)
    factor = 1 + uniform([rows.count, 1], options.by, generator)
    if options.stretch:
        factor = factor * (1 + uniform([rows.count, axes], options.stretch, generator))
    return _maps(torch.diag_embed((1 / factor).expand(-1, axes)), rows, generator)


def _draw_shear(options: Shear, rows: Rows, generator: Generator) -> Tensor:
    axes = len(rows.shape)
    lean = torch.tan(uniform([rows.count, axes, axes], math.radians(options.degrees), generator))
    still = torch.eye(axes)
    return _maps(still + lean * (1 - still), rows, generator)


def _draw_crop(options: Crop, rows: Rows, generator: Generator) -> Tensor:
    """A box of a drawn share of the whole and of drawn sides, wherever it fits (Szegedy 2015)."""
    axes = len(rows.shape)
    share = options.least + (1 - options.least) * torch.rand(rows.count, 1, generator=generator)
    ratio = uniform([rows.count, axes], math.log1p(options.stretch) / 2, generator)
    side = (share.log() / axes + ratio - ratio.mean(1, keepdim=True)).exp().clamp(max=1)
    moved = uniform([rows.count, axes], 0.5, generator) * (1 - side) * rows.extent
    return _maps(torch.diag_embed(side), rows, generator, moved)


def _draw_flip(options: Flip, rows: Rows, generator: Generator) -> Tensor:
    often = torch.tensor([options.depth, options.vertical, options.horizontal])[-len(rows.shape) :]
    flipped = torch.rand(rows.count, len(rows.shape), generator=generator) < often
    return _maps(torch.diag_embed(1 - 2 * flipped.float()), rows, generator)


def _draw_elastic(options: Elastic, rows: Rows, generator: Generator) -> Tensor:
    """Displacements on a coarse grid (Simard 2003; coarse and smoothed as of Ronneberger 2015): "N n *(cells+3)"."""
    axes = len(rows.shape)
    drawn = uniform([rows.count, axes, *[options.cells + 3] * axes], options.by, generator)
    cell = (rows.extent / options.cells).reshape(1, axes, *[1] * axes)
    return drawn * cell * some(rows.often, generator).reshape(-1, *[1] * (axes + 1))


# ----------------------------------------------------------------------------------------------------------------------- checking


def _check_rotate(options: Rotate, shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    if options.tilt and len(shape) < 3:
        raise ConfigError("rotate: only a volume can be tilted", hint="leave tilt out")


def _check_flip(options: Flip, shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    if options.depth and len(shape) < 3:
        raise ConfigError("flip: only a volume has a depth", hint="horizontal and vertical are those of a picture")


def _check_quarter(options: Quarter, shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    if options.tilt and len(shape) < 3:
        raise ConfigError("quarter: only a volume can be tilted", hint="leave tilt out")
    sides = 3 if options.tilt else 2
    if len(shape) < 2 or len(set(shape[-sides:])) > 1 or len(set(spacing[-sides:])) > 1:
        said = " × ".join(map(str, shape)) if len(shape) > 1 else "rows of pixels"
        raise ConfigError(f"quarter: turned by 90°, {said} would not fit itself", hint="give a square size, or take rotate")


KINDS = {
    "scale": Kind(Scale, _draw_scale, None),
    "rotate": Kind(Rotate, _draw_rotate, None, _check_rotate),
    "quarter": Kind(Quarter, _draw_quarter, None, _check_quarter),
    "shear": Kind(Shear, _draw_shear, None),
    "shift": Kind(Shift, _draw_shift, None),
    "crop": Kind(Crop, _draw_crop, None),
    "flip": Kind(Flip, _draw_flip, None, _check_flip),
    "elastic": Kind(Elastic, _draw_elastic, None),
}
