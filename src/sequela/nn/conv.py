"""Convolutions over waveforms (one dimension), images (two) and volumes (three): norms, residual blocks, the trunk (He 2016).

Letters: S steps laid end to end, C channel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from sequela.errors import ConfigError

NormName: TypeAlias = Literal["batch", "group", "instance"]
CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
AVERAGES: dict[int, type[nn.AvgPool1d | nn.AvgPool2d | nn.AvgPool3d]] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation over any number of dimensions, that also trains on a batch with one number a channel, or none.

    Such a batch has no spread to normalise by: it is normalised by the running mean and variance, and does not enter them.
    """

    def forward(self, values: Tensor) -> Tensor:
        if self.training and values.numel() <= values.shape[1]:
            return functional.batch_norm(
                values, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        return super().forward(values)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions will do."""


class InstanceNorm(nn.Module):
    """Each channel of each picture by its own mean and spread, then a learnt scale and shift (Ulyanov 2016).

    A channel of one number has no spread: it is scaled and shifted as it is.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, values: Tensor) -> Tensor:
        if values[:1, :1].numel() <= 1:
            shape = (-1,) + (1,) * (values.dim() - 2)
            return values * self.weight.view(shape) + self.bias.view(shape)
        return functional.group_norm(values, values.shape[1], self.weight, self.bias)


def norm(name: NormName, channels: int) -> nn.Module:
    """Batch, instance, or group normalisation with up to 8 groups of two channels or more (Wu and He 2018)."""
    if name == "group":
        return nn.GroupNorm(math.gcd(8, max(channels // 2, 1), channels), channels)
    return BatchNorm(channels) if name == "batch" else InstanceNorm(channels)


def convolution(
    dimensions: int, narrow: int, wide: int, kernel: int | tuple[int, ...], stride: int | tuple[int, ...] = 1, bias: bool = False
) -> nn.Module:
    """Padded so that stride 1 keeps the size of an odd kernel's input."""
    padding = kernel // 2 if isinstance(kernel, int) else tuple(side // 2 for side in kernel)
    return CONVOLUTIONS[dimensions](narrow, wide, kernel, stride, padding, bias=bias)  # type: ignore[arg-type]


def refuse_even(option: str, *kernels: int) -> None:
    """Raises ConfigError for a kernel that has no middle: what it makes of a signal would be shifted by half a sample."""
    for kernel in kernels:
        if kernel % 2 == 0:
            raise ConfigError(f"{option} is {kernel}; expected an odd number of samples")


class Residual(nn.Module):
    """relu(x + f(x)), with x brought to f's size by a convolution of 1 where they differ."""

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, values: Tensor) -> Tensor:
        return functional.relu(self.body(values) + self.shortcut(values))


class Blocks:
    """Makes residual blocks of one kind: of two convolutions, or of three with a narrow middle (bottleneck).

    Where a block halves the size, `averaged` takes the mean of pairs on the way past it, so that nothing is skipped (He 2019).
    """

    def __init__(
        self, dimensions: int, kernel: int, norm_name: NormName, bottleneck: bool = False, averaged: bool = False
    ) -> None:
        self.dimensions = dimensions
        self.kernel = kernel
        self.norm_name: NormName = norm_name
        self.bottleneck = bottleneck
        self.averaged = averaged
        self.expansion = 4 if bottleneck else 1

    def block(self, narrow: int, width: int, stride: int) -> Residual:
        """From `narrow` channels to width * expansion; the last norm starts at 0, so that the block starts as x (Goyal 2017)."""
        wide = width * self.expansion
        if self.bottleneck:  # the stride is on the middle convolution, as in every current implementation
            body = [*self.part(narrow, width, 1), *self.part(width, width, self.kernel, stride), *self.part(width, wide, 1)[:-1]]
        else:
            body = [*self.part(narrow, width, self.kernel, stride), *self.part(width, wide, self.kernel)[:-1]]
        nn.init.zeros_(body[-1].weight)  # type: ignore[arg-type]
        return Residual(nn.Sequential(*body), self._shortcut(narrow, wide, stride))

    def _shortcut(self, narrow: int, wide: int, stride: int) -> nn.Module:
        """What brings x to the size of a block."""
        if stride == 1 and narrow == wide:
            return nn.Identity()
        if stride == 1 or not self.averaged:
            return nn.Sequential(*self.part(narrow, wide, 1, stride)[:-1])
        mean = AVERAGES[self.dimensions](stride, ceil_mode=True)
        return nn.Sequential(mean, *([] if narrow == wide else self.part(narrow, wide, 1)[:-1]))

    def part(self, narrow: int, wide: int, kernel: int, stride: int = 1) -> list[nn.Module]:
        """A convolution, its norm, and a relu."""
        made = convolution(self.dimensions, narrow, wide, kernel, stride)
        nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")  # type: ignore[arg-type]
        return [made, norm(self.norm_name, wide), nn.ReLU()]


class Trunk(nn.Module):
    """Maps "S D *space" of inputs "S C *space": the stem, then stages, the first as long and as wide as what the stem gives.

    Each other is half as long and `growth` times as wide as the one before.
    """

    def __init__(self, stem: Sequence[nn.Module], blocks: Blocks, width: int, counts: Sequence[int], growth: int = 2) -> None:
        super().__init__()
        layers = list(stem)
        narrow = width
        for stage, count in enumerate(counts):
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                layers.append(blocks.block(narrow, width * growth**stage, stride))
                narrow = width * growth**stage * blocks.expansion
        self.layers = nn.Sequential(*layers)
        self.width = narrow

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.layers(values)
        return found
