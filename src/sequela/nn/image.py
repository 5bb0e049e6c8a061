"""What the classic nets over images and volumes share: convolutions in a row, halving with care, dense layers at the end.

The classic nets were made for 224 pixels and halve them five times. Here an axis of fewer than 4 points is halved no further, and
below `SMALL` points the stem keeps the size, so that of a small picture detail is not thrown away before it is seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from torch import nn

from sequela.nn import conv, stepwise
from sequela.types import Spec

SMALL = 64  # points of the shortest axis below which a stem keeps the size
FEWEST = 4  # points of an axis that can be halved

StemName: TypeAlias = Literal["auto", "small", "large"]  # auto: small below 64 points
NormName: TypeAlias = Literal["none", "batch", "group", "instance"]
LARGEST = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVERAGE = {2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}


def size(spec: Spec) -> tuple[int, ...]:
    """The points of a step along each axis, (H, W) or (D, H, W). Raises ConfigError where a step is no image or volume."""
    stepwise.refuse_other(spec, "C H W", "C D H W")
    return spec.shape[1:]


def small(spec: Spec, stem: StemName) -> bool:
    """Whether the stem keeps the size."""
    return min(spec.shape[1:]) < SMALL if stem == "auto" else stem == "small"


def convolved(dimensions: int, narrow: int, wide: int, kernel: int, stride: int = 1, norm: NormName = "none") -> list[nn.Module]:
    """A convolution, its norm if any (else a bias), and a relu."""
    made = conv.convolution(dimensions, narrow, wide, kernel, stride, bias=norm == "none")
    started(made)
    return [made, *([] if norm == "none" else [conv.norm(norm, wide)]), nn.ReLU()]


def halved(points: Sequence[int], kernel: int = 2) -> tuple[list[nn.Module], tuple[int, ...]]:
    """The largest of every `kernel` points, every second one kept, along the axes that have 4 points or more; the points left."""
    long = [side >= FEWEST for side in points]
    if not any(long):
        return [], tuple(points)
    window, stride = (tuple(number if one else 1 for one in long) for number in (kernel, 2))
    left = tuple((side - kernel) // 2 + 1 if one else side for side, one in zip(points, long, strict=True))
    return [LARGEST[len(points)](window, stride)], left


def dense(channels: int, points: Sequence[int], most: int, width: int, dropout: float) -> list[nn.Module]:
    """From a map to a vector: averaged to at most so many points along each axis, laid flat, two dense layers."""
    cells = tuple(min(side, most) for side in points)
    layers: list[nn.Module] = [] if cells == tuple(points) else [AVERAGE[len(cells)](cells)]
    widths = [channels * math.prod(cells), width, width]
    first, second = (nn.Linear(*pair) for pair in pairwise(widths))
    for layer in (first, second):
        started(layer)
    return [*layers, nn.Flatten(), first, nn.ReLU(), nn.Dropout(dropout), second, nn.ReLU()]


def started(layer: nn.Module) -> None:
    """First weights by He 2015, biases at 0."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # type: ignore[arg-type]
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
