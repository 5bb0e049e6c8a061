"""A small convolutional net over images and volumes: convolutions of 3, each halved by pooling, then one dense layer.

With its default options on 1 x 28 x 28 and the two-class head it is the lung-CT net of 420,610 parameters: 32 and 64 channels,
128 dense. Several images a row (slices) are pooled over the row.
"""

from __future__ import annotations

import math
from typing import Annotated

from msgspec import Meta
from torch import nn

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn import conv, image, stepwise
from sequela.types import Spec


class Config(Strict, frozen=True):
    channels: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (32, 64)  # of each convolution
    width: Annotated[int, Meta(ge=1)] = 128  # of the dense layer
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    pool: stepwise.PoolName = "mean"  # over the images of a row


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for images "C H W" or volumes "C D H W".

    Raises ConfigError where a step is neither, or too small to be halved so often.
    """
    sides, narrow = image.size(spec), spec.shape[0]
    halvings = len(config.channels)
    if min(sides) < 2**halvings:
        size = " x ".join(map(str, sides))
        raise ConfigError(f"an image of {size} cannot be halved {halvings} times", hint="give fewer channels")
    layers: list[nn.Module] = []
    for channels in config.channels:
        layers += [conv.convolution(len(sides), narrow, channels, 3, bias=True), nn.ReLU(), image.LARGEST[len(sides)](2)]
        narrow = channels
    flat = narrow * math.prod(side // 2**halvings for side in sides)
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, config.width), nn.ReLU())
    return stepwise.Stepwise(net, config.width, spec, stepwise.Output(config.pool, config.dropout))
