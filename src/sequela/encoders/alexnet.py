"""AlexNet over images and volumes (Krizhevsky 2012, in the one-column form of Krizhevsky 2014).

Five convolutions, three times the largest of 3 points, two dense layers. Below 64 pixels the first convolution is one of 3 that
keeps the size, in place of 11 with a stride of 4, and an axis of fewer than 4 points is halved no further.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from torch import nn

from sequela.config import Strict
from sequela.nn import image, stepwise
from sequela.types import Spec

WIDTHS = (1, 3, 6, 4, 4)  # of the five convolutions, in widths of the first
MOST = 6  # points along an axis of the map that is laid flat


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 64  # channels of the first convolution
    dense: Annotated[int, Meta(ge=1)] = 4096  # of the two dense layers
    stem: image.StemName = "auto"  # auto: small below 64 pixels
    norm: image.NormName = "none"  # of the convolutions; none: as published, less the norm across channels
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.5  # of both dense layers
    pool: stepwise.PoolName = "mean"  # over the images of a row


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for images "C H W" or volumes "C D H W". Raises ConfigError where a step is neither."""
    points = image.size(spec)
    widths = [config.width * times for times in WIDTHS]
    kernel, stride = (3, 1) if image.small(spec, config.stem) else (11, 4)
    points = tuple((side + kernel // 2 * 2 - kernel) // stride + 1 for side in points)
    layers = image.convolved(len(points), spec.shape[0], widths[0], kernel, stride, config.norm)
    for place, (kernel, pooled) in enumerate(((5, True), (3, True), (3, False), (3, False)), 1):
        if pooled:
            halving, points = image.halved(points, 3)
            layers += halving
        layers += image.convolved(len(points), widths[place - 1], widths[place], kernel, 1, config.norm)
    halving, points = image.halved(points, 3)
    layers += [*halving, *image.dense(widths[-1], points, MOST, config.dense, config.dropout)]
    return stepwise.Stepwise(nn.Sequential(*layers), config.dense, spec, stepwise.Output(config.pool, config.dropout))
