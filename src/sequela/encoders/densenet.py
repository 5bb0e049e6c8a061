"""DenseNet over images and volumes (Huang 2017): every layer of a block sees all that came before it in the block.

Layers of norm, relu, convolution; a convolution of 1 to four times the growth before each of 3, and between blocks one that keeps
half of the channels, then the mean of every 2 points (DenseNet-BC). Below 64 pixels the stem is one convolution of 3 without
pooling, as in the paper for CIFAR, and an axis of fewer than 4 points is halved no further.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.nn import conv, image, stepwise
from sequela.types import Spec

COUNTS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}  # layers of each block
MEANS = {2: nn.AvgPool2d, 3: nn.AvgPool3d}


class Config(Strict, frozen=True):
    depth: Literal[121, 169, 201] = 121
    blocks: tuple[Annotated[int, Meta(ge=1)], ...] = ()  # layers of each; left out: those of the depth
    growth: Annotated[int, Meta(ge=1)] = 32  # channels that a layer adds; the stem gives twice as many
    stem: image.StemName = "auto"  # auto: small below 64 pixels
    norm: conv.NormName = "batch"
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of what each layer adds, and of the pooled vector
    pool: stepwise.PoolName = "mean"  # over the images of a row
    map: bool = False  # steps are maps "B T D *S" instead of vectors


class Layer(nn.Module):
    """The channels that came in, and after them `growth` new ones."""

    def __init__(self, dimensions: int, channels: int, config: Config) -> None:
        super().__init__()
        narrow, wide = 4 * config.growth, config.growth
        first = _part(dimensions, channels, narrow, 1, config)
        self.new = nn.Sequential(*first, *_part(dimensions, narrow, wide, 3, config), nn.Dropout(config.dropout))

    def forward(self, values: Tensor) -> Tensor:
        return torch.cat([values, self.new(values)], 1)


def _part(dimensions: int, narrow: int, wide: int, kernel: int, config: Config) -> list[nn.Module]:
    made = conv.convolution(dimensions, narrow, wide, kernel)
    image.started(made)
    return [conv.norm(config.norm, narrow), nn.ReLU(), made]


def _stem(spec: Spec, wide: int, config: Config) -> tuple[list[nn.Module], tuple[int, ...]]:
    """The first layers and the points they leave."""
    points = image.size(spec)
    if image.small(spec, config.stem):
        made = conv.convolution(len(points), spec.shape[0], wide, 3)
        image.started(made)
        return [made], points
    layers = image.convolved(len(points), spec.shape[0], wide, 7, 2, config.norm)
    points = tuple((side - 1) // 4 + 1 for side in points)
    return [*layers, image.LARGEST[len(points)](3, 2, padding=1)], points


def _between(points: tuple[int, ...], channels: int, config: Config) -> tuple[list[nn.Module], tuple[int, ...]]:
    """Half of the channels and, along each axis that is long enough, half of the points."""
    by = tuple(2 if side >= image.FEWEST else 1 for side in points)
    layers = [*_part(len(points), channels, channels // 2, 1, config), MEANS[len(points)](by)]  # type: ignore[arg-type]
    return layers, tuple(side // step for side, step in zip(points, by, strict=True))


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for images "C H W" or volumes "C D H W". Raises ConfigError where a step is neither."""
    channels = 2 * config.growth
    layers, points = _stem(spec, channels, config)
    for number, count in enumerate(config.blocks or COUNTS[config.depth]):
        if number:
            between, points = _between(points, channels, config)
            layers += between
            channels //= 2
        for _ in range(count):
            layers.append(Layer(len(points), channels, config))
            channels += config.growth
    net = nn.Sequential(*layers, conv.norm(config.norm, channels), nn.ReLU())
    return stepwise.Stepwise(net, channels, spec, stepwise.Output(config.pool, config.dropout, config.map))
