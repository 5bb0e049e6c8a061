"""InceptionTime over windows of a waveform: modules that look at short, middling and long stretches at once (Ismail Fawaz 2020).

A module is a convolution of 1 to `bottleneck` channels, then one of each of `kernels` and, beside them, the largest of three
neighbours mapped by a convolution of 1; all four are laid side by side, normed, and passed through a relu. Past every three
modules goes a shortcut. The vector of a window is the mean over its samples. The paper's answer is the mean of five such nets:
`train.members = 5`. Ours has kernels of 9, 19 and 39 for its 10, 20 and 40, which have no middle sample.
"""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.nn import conv, stepwise
from sequela.types import Spec

BETWEEN = 3  # modules that a shortcut passes


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 32  # channels of each of the branches of a module
    depth: Annotated[int, Meta(ge=1)] = 6  # modules
    kernels: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (9, 19, 39)  # samples, odd
    bottleneck: Annotated[int, Meta(ge=0)] = 32  # channels before the kernels; 0: none is put before them
    norm: conv.NormName = "batch"
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    inside: str | list[str] = "mean"  # over the samples of a window: last, mean, max, attention, or several ("mean+max")
    pool: stepwise.PoolName = "mean"  # over the windows of a row


class Module(nn.Module):
    """Maps "S I L" to "S (kernels + 1) * width L"."""

    def __init__(self, narrow: int, config: Config) -> None:
        super().__init__()
        squeezed = narrow > 1 and config.bottleneck > 0
        entry = config.bottleneck if squeezed else narrow
        self.bottleneck = conv.convolution(1, narrow, entry, 1) if squeezed else nn.Identity()
        self.branches = nn.ModuleList(conv.convolution(1, entry, config.width, kernel) for kernel in config.kernels)
        self.largest = nn.Sequential(nn.MaxPool1d(3, 1, padding=1), conv.convolution(1, narrow, config.width, 1))
        self.width = config.width * (len(config.kernels) + 1)
        self.norm = nn.Sequential(conv.norm(config.norm, self.width), nn.ReLU())

    def forward(self, values: Tensor) -> Tensor:
        entry = self.bottleneck(values)
        branches = [*(branch(entry) for branch in self.branches), self.largest(values)]
        found: Tensor = self.norm(torch.cat(branches, 1))
        return found


class Inception(nn.Module):
    """Maps windows "S C L" to "S width L"."""

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        narrow = channels
        wide = config.width * (len(config.kernels) + 1)
        for first in range(0, config.depth, BETWEEN):
            count = min(BETWEEN, config.depth - first)
            body = nn.Sequential(*(Module(wide if k else narrow, config) for k in range(count)))
            layers.append(conv.Residual(body, _shortcut(narrow, wide, config)) if count == BETWEEN else body)
            narrow = wide
        self.layers = nn.Sequential(*layers)
        self.width = narrow

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.layers(values)
        return found


def _shortcut(narrow: int, wide: int, config: Config) -> nn.Module:
    """A norm, after a convolution of 1 where the widths differ."""
    mapped = [] if narrow == wide else [conv.convolution(1, narrow, wide, 1)]
    return nn.Sequential(*mapped, conv.norm(config.norm, wide))


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for windows "C L". Raises ConfigError where a step is no window, or a kernel is even."""
    stepwise.refuse_other(spec, "C L")
    conv.refuse_even("kernels", *config.kernels)
    net = Inception(spec.shape[0], config)
    return stepwise.Stepwise(net, net.width, spec, stepwise.Output(config.pool, config.dropout, inside=config.inside))
