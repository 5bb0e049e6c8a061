"""A U-Net over pictures and volumes: down to where few points are left, up again beside what each level saw (Ronneberger 2015).

Two dimensions or three, by the shape of a step (Çiçek 2016). The levels, strides and kernels are planned from the patch and its
spacing in the manner of nnU-Net (Isensee 2021; `nn/levels.py`); so are strided convolutions in place of pooling, instance norm,
leaky relu of 0.01, and levels each twice as wide as the one above, up to `widest`. No size need be divisible: a level that is a
point too long after it was doubled is cut to what it was on the way down.

With `stride` above 1 the way up ends that many points coarser than the picture: a pyramid of features for finding boxes. Levels
finer than the map have one convolution each, since nothing is read there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn import conv, image, stepwise
from sequela.nn.levels import Level, plan
from sequela.nn.pool import Pool
from sequela.nn.readout import beside
from sequela.types import Encoded, Seq, Spec

SLOPE = 0.01  # of leaky relu below 0
MOST = 8  # levels, where they are planned


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 16  # channels of the first level; each next one has twice as many
    widest: Annotated[int, Meta(ge=1)] = 320  # channels that no level passes
    levels: Literal["auto"] | Annotated[int, Meta(ge=1, le=10)] = "auto"  # the finest included
    convolutions: Annotated[int, Meta(ge=1)] = 2  # at each level, down and up
    residual: bool = False  # what a level adds to its input, in place of what it makes of it (He 2016)
    norm: conv.NormName = "instance"
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of whole channels after each level, and of the pooled vector
    deep_supervision: bool = False  # in training, also the maps of every coarser level of the way up
    stride: Literal[1, 2, 4, 8] = 1  # points of the picture to one of the map, along the axes that are halved first
    pool: stepwise.PoolName = "mean"  # over the pictures of a row


class UNet(nn.Module):
    """Maps "B T D *S" at the size of the picture (or as many times coarser as `stride`), and a pooled vector.

    The pooled vector is the mean over the coarsest level, so the same net classifies. In training with deep supervision `coarser`
    has the maps of coarser levels, brought to the same D by a convolution of 1. Numbers of the row follow the pooled vector.
    """

    gives = frozenset({"pooled", "map"})
    causal = True  # no picture sees another

    def __init__(self, spec: Spec, config: Config, levels: Sequence[Level]) -> None:
        super().__init__()
        widths = [min(config.width * 2**number, config.widest) for number in range(len(levels))]
        top = config.stride.bit_length() - 1  # the level whose map is given
        self.down = _down(spec.shape[0], widths, levels, top, config)
        self.up = _up(widths, levels, top, config)
        self.coarser = _coarser(widths[top:-1], len(spec.shape) - 1) if config.deep_supervision else nn.ModuleList()
        self.pool = Pool(config.pool, widths[-1])
        self.dropout = nn.Dropout(config.dropout)
        self.steps_width = widths[top]
        self.width = widths[-1] + spec.context

    def forward(self, seq: Seq) -> Encoded:
        maps, deepest = self._maps(_existing(seq))
        pooled = self.dropout(self.pool(stepwise.spread(deepest.flatten(2).mean(2), seq.mask), seq.mask))
        coarser = [layer(one) for layer, one in zip(self.coarser, maps[1:], strict=False)] if self.training else []
        return Encoded(
            stepwise.spread(maps[0], seq.mask),
            seq.mask,
            beside(pooled, seq),
            coarser=tuple(stepwise.spread(one, seq.mask) for one in coarser),
        )

    def _maps(self, values: Tensor) -> tuple[list[Tensor], Tensor]:
        """What each level of the way up gives, finest first, and the coarsest level."""
        seen = []
        for level in self.down:
            values = level(values)
            seen.append(values)
        maps = [seen.pop()]
        for level in self.up:
            maps.insert(0, level(maps[0], seen.pop()))
        return maps, values


def _down(channels: int, widths: Sequence[int], levels: Sequence[Level], top: int, config: Config) -> nn.ModuleList:
    counts = [1 if number < top else config.convolutions for number in range(len(levels))]
    inputs = [channels, *widths[:-1]]
    return nn.ModuleList(
        _Level(narrow, wide, level.kernel, level.stride, count, config)
        for narrow, wide, level, count in zip(inputs, widths, levels, counts, strict=True)
    )


def _up(widths: Sequence[int], levels: Sequence[Level], top: int, config: Config) -> nn.ModuleList:
    """The coarsest first."""
    return nn.ModuleList(
        _Up(widths[number + 1], widths[number], levels[number].kernel, levels[number + 1].stride, config)
        for number in reversed(range(top, len(levels) - 1))
    )


def _coarser(widths: Sequence[int], dimensions: int) -> nn.ModuleList:
    """For each level after the first, what brings its map to the width of the first."""
    return nn.ModuleList(conv.convolution(dimensions, wide, widths[0], 1, bias=True) for wide in widths[1:])


class _Level(nn.Module):
    """Convolutions of one size, the first with the stride; with `residual`, added to the input brought to their shape."""

    def __init__(
        self, narrow: int, wide: int, kernel: tuple[int, ...], stride: tuple[int, ...], count: int, config: Config
    ) -> None:
        super().__init__()
        layers = _part(narrow, wide, kernel, stride, config)
        for _ in range(count - 1):
            layers += [nn.LeakyReLU(SLOPE), *_part(wide, wide, kernel, (1,) * len(stride), config)]
        self.layers = nn.Sequential(*layers)
        self.shortcut = _shortcut(narrow, wide, stride, config) if config.residual else None
        dropout = nn.Dropout3d if len(stride) == 3 else nn.Dropout2d
        self.end = nn.Sequential(nn.LeakyReLU(SLOPE), dropout(config.dropout))

    def forward(self, values: Tensor) -> Tensor:
        made = self.layers(values)
        return self.end(made if self.shortcut is None else made + self.shortcut(values))  # type: ignore[no-any-return]


class _Up(nn.Module):
    """The level below doubled by a transposed convolution, beside what this level saw on the way down, then its convolutions."""

    def __init__(self, narrow: int, wide: int, kernel: tuple[int, ...], stride: tuple[int, ...], config: Config) -> None:
        super().__init__()
        kind = nn.ConvTranspose2d if len(stride) == 2 else nn.ConvTranspose3d
        self.doubling = kind(narrow, wide, stride, stride)  # type: ignore[arg-type]
        nn.init.kaiming_normal_(self.doubling.weight, SLOPE)
        nn.init.zeros_(self.doubling.bias)  # type: ignore[arg-type]
        self.level = _Level(2 * wide, wide, kernel, (1,) * len(stride), config.convolutions, config)

    def forward(self, below: Tensor, seen: Tensor) -> Tensor:
        doubled = self.doubling(below)
        cut = doubled[(..., *(slice(points) for points in seen.shape[2:]))]
        return self.level(torch.cat([cut, seen], 1))  # type: ignore[no-any-return]


def _part(narrow: int, wide: int, kernel: tuple[int, ...], stride: tuple[int, ...], config: Config) -> list[nn.Module]:
    """A convolution and its norm."""
    made = conv.convolution(len(kernel), narrow, wide, kernel, stride)
    nn.init.kaiming_normal_(made.weight, SLOPE)  # type: ignore[arg-type]
    return [made, conv.norm(config.norm, wide)]


def _shortcut(narrow: int, wide: int, stride: tuple[int, ...], config: Config) -> nn.Module:
    if narrow == wide and max(stride) == 1:
        return nn.Identity()
    return nn.Sequential(*_part(narrow, wide, (1,) * len(stride), stride, config))


def _existing(seq: Seq) -> Tensor:
    """The pictures that exist, "S C *S", 0 where a point was not seen."""
    values: Tensor = seq.values[seq.mask]
    if seq.seen is not None:
        values = values.where(seq.seen[seq.mask], 0.0)
    return values


def build(spec: Spec, config: Config) -> UNet:
    """The net for pictures "C H W" or volumes "C D H W".

    Raises ConfigError where a step is neither, or so small that it has fewer levels than asked for or than `stride` needs.
    """
    points = image.size(spec)
    most = MOST if config.levels == "auto" else config.levels
    levels = plan(points, spec.spacing, most)
    size = " x ".join(map(str, points))
    if config.levels != "auto" and len(levels) < config.levels:
        raise ConfigError(f"{size} points make {len(levels)} levels of a U-Net, and levels = {config.levels}")
    if len(levels) < config.stride.bit_length():
        raise ConfigError(f"{size} points make {len(levels)} levels of a U-Net, too few for a map with stride = {config.stride}")
    return UNet(spec, config, levels)
