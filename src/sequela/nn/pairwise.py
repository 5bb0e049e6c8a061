"""From the vectors of steps to a map over pairs of them: how likely two places belong together.

Two steps are told by the sum of what a linear map makes of each, by its product, and by how far they are apart: all symmetric.
A net of one hidden layer judges each pair by itself, or dilated convolutions over the map judge it by the pairs around it:
what pairs along a stem, or two strands, lies on a diagonal (Wang 2017, "Accurate de novo prediction of protein contact map").

Letters: B batch, T step, D width of a step, C channel.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from sequela.config import Strict
from sequela.errors import DataError
from sequela.types import Encoded

FAR = 64  # distances from here on are told as powers of FAR_BY
FAR_BY = 1.25
DISTANCES = 96  # that are told apart
BLOCK = 2_000_000  # numbers of a map that are held at once, where pairs are judged by themselves


class Config(Strict, frozen=True):
    """Options of the map."""

    channels: Annotated[int, Meta(ge=1)] = 32  # numbers that tell a pair
    layers: Annotated[int, Meta(ge=0, le=40)] = 4  # convolutions over the map; 0: each pair is judged by itself
    dilations: Annotated[tuple[Annotated[int, Meta(ge=1, le=64)], ...], Meta(min_length=1)] = (1, 2, 4)  # one after the other
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    max_steps: Annotated[int, Meta(ge=2)] = 1024  # a map of more is refused: its memory grows with the square


class Mapped(NamedTuple):
    """What is said of the pairs of a batch."""

    logits: Tensor  # "B T T", symmetric
    mask: Tensor  # bool "B T"


class PairHead(nn.Module):
    """Logits of all pairs of a row's steps."""

    def __init__(self, width: int, config: Config) -> None:
        super().__init__()
        channels = config.channels
        self.max_steps = config.max_steps
        self.each = nn.Linear(width, channels)
        self.sum, self.product = nn.Linear(channels, channels), nn.Linear(channels, channels, bias=False)
        self.distance = nn.Embedding(DISTANCES, channels)
        self.dropout = nn.Dropout(config.dropout)
        dilations = [config.dilations[k % len(config.dilations)] for k in range(config.layers)]
        self.around = nn.ModuleList([Residual(channels, dilation, config.dropout) for dilation in dilations])
        self.out = nn.Linear(channels, 1)

    def forward(self, encoded: Encoded) -> Mapped:
        """Raises DataError for more steps than a map may have."""
        if encoded.steps is None:
            raise ValueError("this head needs the steps of one input")
        steps = encoded.mask.shape[1]
        if steps > self.max_steps:
            raise DataError(
                f"a map over pairs of {steps} steps is asked for, and it may have {self.max_steps}",
                hint="max_steps of the input's modality reads a part of each sequence; task.max_steps allows larger maps",
            )
        each = self.each(self.dropout(encoded.steps))
        near = distances(steps, each.device)
        logits = self._together(each, near, encoded.mask) if len(self.around) else self._by_itself(each, near)
        return Mapped(logits, encoded.mask)

    @torch.no_grad()
    def begin_at(self, bias: float) -> None:
        """Sets the last bias, so that the first answers are near it."""
        self.out.bias.fill_(bias)

    def _told(self, some: Tensor, each: Tensor, near: Tensor) -> Tensor:
        """What is told of the pairs of some steps with each step, "B S T C"."""
        left, right = some[:, :, None], each[:, None]
        return functional.relu(self.sum(left + right) + self.product(left * right) + self.distance(near))

    def _by_itself(self, each: Tensor, near: Tensor) -> Tensor:
        """A few rows of the map at a time, made anew in the backward pass: the hidden layer is never held whole."""
        size = max(1, BLOCK // max(1, each[0].numel() * len(each)))
        blocks = [slice(first, first + size) for first in range(0, each.shape[1], size)]
        made: list[Tensor] = []
        for rows in blocks:
            again = torch.is_grad_enabled() and len(blocks) > 1
            given = (each[:, rows], each, near[rows])
            made.append(checkpoint(self._judged, *given, use_reentrant=False) if again else self._judged(*given))
        return torch.cat(made, 1)

    def _judged(self, some: Tensor, each: Tensor, near: Tensor) -> Tensor:
        judged: Tensor = self.out(self.dropout(self._told(some, each, near))).squeeze(3)
        return judged

    def _together(self, each: Tensor, near: Tensor, mask: Tensor) -> Tensor:
        """The whole map, each pair seen with those around it."""
        real = (mask[:, :, None] & mask[:, None])[:, None].to(each.dtype)  # B 1 T T
        told = self._told(each, each, near).permute(0, 3, 1, 2) * real
        for layer in self.around:
            told = layer(told, real)
        logits: Tensor = self.out(told.permute(0, 2, 3, 1)).squeeze(3)
        return (logits + logits.transpose(1, 2)) / 2


class Residual(nn.Module):
    """A dilated convolution over the map and one of each pair by itself, beside what they are given.

    Nothing beyond the end of a row is seen, so how long the other rows of a batch are changes nothing.
    """

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.narrow = nn.Conv2d(channels, channels, 1)
        self.dropout = nn.Dropout2d(dropout)
        nn.init.zeros_(self.narrow.weight)  # at first each pair is judged by itself

    def forward(self, told: Tensor, real: Tensor) -> Tensor:
        """`told` "B C T T" with 0 where `real` "B 1 T T" is 0; the same of what is given back."""
        inner = functional.relu(self.wide(functional.relu(told)))
        given: Tensor = told + self.dropout(self.narrow(inner)) * real
        return given


def distances(steps: int, device: torch.device | str = "cpu") -> Tensor:
    """The number of the distance of each two of so many steps, int64 "T T": itself when near, then by ever wider ranges."""
    place = torch.arange(steps, device=device)
    apart = (place[:, None] - place).abs()
    far = FAR + (apart.clamp_min(FAR).double() / FAR).log() / torch.tensor(FAR_BY).double().log()
    return torch.where(apart < FAR, apart, far.long()).clamp_max(DISTANCES - 1)
