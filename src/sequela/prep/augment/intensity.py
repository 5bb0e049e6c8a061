"""Changes of the values of pictures "N C *S", which are standardised: in spreads of the training pictures, 0 their mean.

Every step of a row is changed alike; where a picture's own mean or range counts, it is that of each channel of each step.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from msgspec import Meta
from torch import Generator, Tensor

from sequela.prep.augment import splines
from sequela.prep.augment.drawing import Amount, Below1, Kind, Options, Rows, Share, beside, some, uniform

WIDEST = 5.0  # sd from the middle of a Gaussian, beyond which nothing counts: numbers too small to reckon with are slow


class Brightness(Options, frozen=True):
    by: Amount = 0.2  # added to all values, at most, either way


class Contrast(Options, frozen=True):
    by: Below1 = 0.2  # 0.2: from 0.8 to 1.2 times the distance from each channel's mean


class Gamma(Options, frozen=True):
    by: Amount = 0.3  # 0.3: values as shares of the picture's own range, to a power from 1 / 1.3 to 1.3


class Noise(Options, frozen=True):
    sd: Amount = 0.1  # at most: each row draws its own


class Blur(Options, frozen=True):
    sd: Amount = 1.0  # of the Gaussian, in points, at most: each row draws its own


class LowResolution(Options, frozen=True):
    by: Below1 = 0.5  # 0.5: as if taken with at least half the points along each side


class Bias(Options, frozen=True):
    by: Amount = 0.3  # 0.3: the signal from about 1 / 1.3 to 1.3 times, smoothly over the picture
    cells: Annotated[int, Meta(ge=1, le=16)] = 2  # along each side


class Erase(Options, frozen=True):
    share: Share = 0.3  # of each side, at most
    often: Share = 0.5


# ------------------------------------------------------------------------------------------------------------------------ drawing


def draw_by(options: Any, rows: Rows, generator: Generator) -> Tensor:
    return uniform([rows.count], options.by, generator) * some(rows.often, generator)


def _draw_blur(options: Blur, rows: Rows, generator: Generator) -> Tensor:
    return torch.rand(rows.count, generator=generator) * options.sd * some(rows.often, generator)


def _draw_lost(options: LowResolution, rows: Rows, generator: Generator) -> Tensor:
    """The share of the points along each side that are lost."""
    return torch.rand(rows.count, generator=generator) * options.by * some(rows.often, generator)


def _draw_log(options: Gamma, rows: Rows, generator: Generator) -> Tensor:
    return uniform([rows.count], math.log1p(options.by), generator) * some(rows.often, generator)


def draw_noise(options: Noise, rows: Rows, generator: Generator) -> Tensor:
    """The sd, and the seed of the noise itself, which need not be held to be replayed."""
    sd = torch.rand(rows.count, generator=generator, dtype=torch.float64) * options.sd
    seed = torch.randint(2**53, [1], generator=generator).double().expand(rows.count)
    return torch.stack([sd, seed], 1) * some(rows.often, generator)[:, None]


def _draw_bias(options: Bias, rows: Rows, generator: Generator) -> Tensor:
    """Logarithms of the factor on a coarse grid, "N 1 *(cells+3)"."""
    shape = [1] + [options.cells + 3] * len(rows.shape)
    drawn = uniform([rows.count, *shape], math.log1p(options.by), generator)
    return drawn * some(rows.often, generator).reshape(-1, *[1] * len(shape))


def _draw_erase(options: Erase, rows: Rows, generator: Generator) -> Tensor:
    """The first corner, then the last, as shares of each side, "N 2n"; an empty box where nothing is erased."""
    axes = len(rows.shape)
    extent = torch.rand(rows.count, axes, generator=generator) * options.share
    extent = extent * some(rows.often, generator)[:, None]
    corner = torch.rand(rows.count, axes, generator=generator) * (1 - extent)
    return torch.cat([corner, corner + extent], 1) * (extent > 0).any(1, keepdim=True)


# ------------------------------------------------------------------------------------------------------------------------- acting


def add(values: Tensor, drawn: Tensor) -> Tensor:
    return values.add_(beside(drawn, values))


def multiply(values: Tensor, drawn: Tensor) -> Tensor:
    return values.mul_(1 + beside(drawn, values))


def noise(values: Tensor, drawn: Tensor) -> Tensor:
    generator = torch.Generator(values.device).manual_seed(int(drawn[0, 1]))
    made = torch.randn(values.shape, generator=generator, dtype=values.dtype, device=values.device)
    return values.addcmul_(made, beside(drawn[:, 0], values))


def _contrast(values: Tensor, drawn: Tensor) -> Tensor:
    change = beside(drawn, values)
    mean = values.mean(tuple(range(2, values.ndim)), keepdim=True)
    return values.mul_(1 + change).sub_(mean * change)


def _gamma(values: Tensor, drawn: Tensor) -> Tensor:
    """Powers of values as shares of their own range, so that the least and the greatest stay where they are."""
    over = tuple(range(2, values.ndim))
    least, most = values.amin(over, keepdim=True), values.amax(over, keepdim=True)
    span = (most - least).clamp(min=torch.finfo(values.dtype).tiny)
    power = values.sub_(least).div_(span).log_().mul_(beside(drawn.exp(), values)).exp_()  # pow_ takes three times as long
    return power.mul_(span).add_(least)


def _bias(values: Tensor, drawn: Tensor) -> Tensor:
    """The signal, which begins at the least value of the picture, times a smooth field (Sudre 2017: a model of MRI coils)."""
    field = splines.spread(drawn.to(values), tuple(values.shape[2:])).exp_()
    least = values.amin(tuple(range(2, values.ndim)), keepdim=True)
    return values.sub_(least).mul_(field).add_(least)


def _blur(values: Tensor, drawn: Tensor) -> Tensor:
    """A Gaussian along each axis; at the edges its part inside counts alone."""
    for axis in range(2, values.ndim):
        along = torch.arange(values.shape[axis], device=values.device, dtype=values.dtype)
        away = (along[:, None] - along) / drawn.to(values)[:, None, None]
        values = _mixed(values, torch.exp(-0.5 * away.square().clamp(max=WIDEST**2)).where(away.abs() < WIDEST, 0.0), axis)
    return values


def _low_resolution(values: Tensor, drawn: Tensor) -> Tensor:
    """Along each axis fewer, larger points, each the mean of what it covers, and back, linearly between them."""
    pitch = 1 / (1 - drawn.to(values))[:, None, None]
    for axis in range(2, values.ndim):
        size = values.shape[axis]
        along = torch.arange(size, device=values.device, dtype=values.dtype)
        centre = ((along + 0.5) * pitch[:, :, 0] - 0.5)[:, :, None]  # of the larger points; those outside are asked for nothing
        larger = (1 - (along - centre).abs() / pitch).clamp(min=0)
        within = ((along + 0.5) / pitch[:, :, 0] - 0.5).clamp(min=0).minimum((size / pitch[:, :, 0]).ceil() - 1)[:, :, None]
        between = (1 - (within - along).abs()).clamp(min=0)
        values = _mixed(values, between @ (larger / larger.sum(2, keepdim=True).clamp(min=1e-6)), axis)
    return values


def _mixed(values: Tensor, weight: Tensor, axis: int) -> Tensor:
    """Values "N C *S" whose points along an axis are mixed by weights "N S S", each line of which is made to add up to 1."""
    weight = weight / weight.sum(2, keepdim=True)
    count, size = len(values), values.shape[axis]
    if axis == values.ndim - 1:
        return torch.bmm(values.reshape(count, -1, size), weight.mT).reshape(values.shape)
    lines = values.reshape(count, math.prod(values.shape[1:axis]), size, -1)
    return torch.matmul(weight[:, None], lines).reshape(values.shape)


def _erase(values: Tensor, drawn: Tensor) -> Tensor:
    """Boxes set to 0, the mean of the training pictures."""
    axes = values.ndim - 2
    inside = torch.ones(len(values), *[1] * axes, dtype=torch.bool, device=values.device)
    for axis, size in enumerate(values.shape[2:]):
        along = (torch.arange(size, device=values.device) + 0.5) / size
        first, last = drawn.to(values)[:, axis, None], drawn.to(values)[:, axes + axis, None]
        within = (along >= first) & (along < last)
        inside = inside & within.reshape(len(within), *[size if other == axis else 1 for other in range(axes)])
    return values.masked_fill_(inside[:, None], 0)


KINDS = {
    "brightness": Kind(Brightness, draw_by, add),
    "contrast": Kind(Contrast, draw_by, _contrast),
    "gamma": Kind(Gamma, _draw_log, _gamma),
    "noise": Kind(Noise, draw_noise, noise),
    "blur": Kind(Blur, _draw_blur, _blur),
    "low_resolution": Kind(LowResolution, _draw_lost, _low_resolution),
    "bias": Kind(Bias, _draw_bias, _bias),
    "erase": Kind(Erase, _draw_erase, _erase),
}
