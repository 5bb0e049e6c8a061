"""A vision transformer over images and volumes: patches as words, and one token that listens to all of them (Dosovitskiy 2021).

Each patch is a linear map of its points plus a vector of its place, learnt for the size at hand; the layers put the norm first.
The pooled vector is the listening token after the last norm, or the mean of the patches. Trained from nothing it wants more
pictures than a convolutional net, which need not learn that a shifted picture is the same.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn import conv, image, stepwise
from sequela.nn.attention import Layer, refuse_uneven
from sequela.types import Spec

PATCH = {True: 4, False: 16}  # points of a patch along each axis, of a small picture and of others
SPREAD = 0.02  # of the first vectors of places and of the token, as published


class Config(Strict, frozen=True):
    patch: Annotated[int, Meta(ge=0)] = 0  # points along each axis; 0: 4 below 64 points, else 16
    width: Annotated[int, Meta(ge=1)] = 64
    layers: Annotated[int, Meta(ge=1)] = 4
    heads: Annotated[int, Meta(ge=1)] = 4
    read: Literal["token", "mean"] = "token"  # what the pooled vector of an image is taken from
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of weights, of what a layer adds, and of the pooled vector
    pool: stepwise.PoolName = "mean"  # over the images of a row
    map: bool = False  # steps are the patches as maps "B T D *S", of which the pooled vector is then the mean


class Patches(nn.Module):
    """From pictures "S C *S" to vectors "S D", or with `map` to maps "S D *S" of a point a patch."""

    def __init__(self, channels: int, patch: int, cells: tuple[int, ...], config: Config) -> None:
        super().__init__()
        self.cells, self.map = cells, config.map
        self.patches = conv.CONVOLUTIONS[len(cells)](channels, config.width, patch, patch)
        self.token = None if config.map or config.read == "mean" else nn.Parameter(torch.randn(1, 1, config.width) * SPREAD)
        places = math.prod(cells) + (self.token is not None)
        self.place = nn.Parameter(torch.randn(1, places, config.width) * SPREAD)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.Sequential(*(Layer(config.width, config.heads, config.dropout) for _ in range(config.layers)))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, values: Tensor) -> Tensor:
        vectors = self.patches(values).flatten(2).transpose(1, 2)  # S P D
        if self.token is not None:
            vectors = torch.cat([self.token.expand(len(vectors), -1, -1), vectors], 1)
        vectors = self.norm(self.layers(self.dropout(vectors + self.place)))
        if self.map:
            return vectors.transpose(1, 2).unflatten(2, self.cells)  # type: ignore[no-any-return]
        return vectors.mean(1) if self.token is None else vectors[:, 0]  # type: ignore[no-any-return]


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for images "C H W" or volumes "C D H W".

    Raises ConfigError where a step is neither, patches do not fill it, or the heads do not divide the width.
    """
    refuse_uneven(config.width, config.heads)
    points = image.size(spec)
    patch = config.patch or PATCH[image.small(spec, "auto")]
    if any(side % patch for side in points):
        size = " x ".join(map(str, points))
        fitting = [side for side in range(2, min(points) + 1) if not any(point % side for point in points)]
        hint = f"patches of {', '.join(map(str, fitting))} points do" if fitting else "give the modality another size"
        raise ConfigError(f"patches of {patch} points along each axis do not fill {size}", hint=hint)
    net = Patches(spec.shape[0], patch, tuple(side // patch for side in points), config)
    return stepwise.Stepwise(net, config.width, spec, stepwise.Output(config.pool, config.dropout, config.map))
