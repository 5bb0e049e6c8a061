"""VGG over images and volumes (Simonyan and Zisserman 2015): convolutions of 3 alone, 11, 13, 16 or 19 layers with weights.

Five stages, each halved at its end, the next one twice as wide up to eight times; then two dense layers. Of a small picture an
axis of fewer than 4 points is halved no further: 28 pixels are halved three times.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from torch import nn

from sequela.config import Strict
from sequela.nn import image, stepwise
from sequela.types import Spec

COUNTS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # convolutions of a stage
MOST = 7  # points along an axis of the map that is laid flat


class Config(Strict, frozen=True):
    depth: Literal[11, 13, 16, 19] = 16
    width: Annotated[int, Meta(ge=1)] = 64  # channels of the first stage
    dense: Annotated[int, Meta(ge=1)] = 4096  # of the two dense layers
    norm: image.NormName = "none"  # of the convolutions; none: as published
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.5  # of both dense layers
    pool: stepwise.PoolName = "mean"  # over the images of a row


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for images "C H W" or volumes "C D H W". Raises ConfigError where a step is neither."""
    points, narrow = image.size(spec), spec.shape[0]
    layers: list[nn.Module] = []
    for stage, count in enumerate(COUNTS[config.depth]):
        wide = config.width * min(2**stage, 8)
        for _ in range(count):
            layers += image.convolved(len(points), narrow, wide, 3, 1, config.norm)
            narrow = wide
        halving, points = image.halved(points)
        layers += halving
    layers += image.dense(narrow, points, MOST, config.dense, config.dropout)
    return stepwise.Stepwise(nn.Sequential(*layers), config.dense, spec, stepwise.Output(config.pool, config.dropout))
