"""Changes of windows of signals "N C L"; amounts are in spreads of the training windows, or shares of the window."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from msgspec import Meta
from torch import Generator, Tensor

from sequela.prep.augment import intensity
from sequela.prep.augment.drawing import Below1, Kind, Options, Rows, Share, beside, some, uniform
from sequela.prep.augment.geometry import Shift


class Amplitude(Options, frozen=True):
    by: Below1 = 0.2  # 0.2: from 0.8 to 1.2 times


class ChannelDrop(Options, frozen=True):
    often: Share = 0.1  # of each channel; one always stays


class TimeWarp(Options, frozen=True):
    by: Annotated[float, Meta(ge=0, lt=0.3)] = 0.1  # time runs at most about this share faster or slower, smoothly


def _draw_channels(options: ChannelDrop, rows: Rows, generator: Generator) -> Tensor:
    """1 where a channel goes, "N C"; the one with the highest number never does."""
    numbers = torch.rand(rows.count, rows.channels, generator=generator)
    return ((numbers < rows.often[:, None]) & (numbers != numbers.amax(1, keepdim=True))).float()


def _drop(values: Tensor, drawn: Tensor) -> Tensor:
    return values.mul_(1 - beside(drawn, values))


def _draw_moved(options: Shift, rows: Rows, generator: Generator) -> Tensor:
    """One bend that is no bend: a constant, in shares of the window."""
    return uniform([rows.count, 1], options.by, generator) * some(rows.often, generator)[:, None]


def _draw_bends(options: TimeWarp, rows: Rows, generator: Generator) -> Tensor:
    """Heights of the first three half sine waves over the window; their slopes add up to `by` at most."""
    order = torch.arange(1, 4)
    heights = uniform([rows.count, 3], options.by / (3 * math.pi), generator) / order
    return torch.cat([torch.zeros(rows.count, 1), heights], 1) * some(rows.often, generator)[:, None]


def _retimed(values: Tensor, drawn: Tensor) -> Tensor:
    """Windows "N C L" read at other times, linearly between samples; outside is the nearest end.

    drawn "N 1+K": a constant, then the heights of K half sine waves, all in shares of the window.
    """
    length = values.shape[2]
    time = torch.arange(length, device=values.device) / max(length - 1, 1)
    order = torch.arange(1, drawn.shape[1], device=values.device)
    waves = torch.cat([torch.ones(1, length, device=values.device), torch.sin(math.pi * order[:, None] * time)])
    source = ((time + drawn.to(values) @ waves.to(values)) * (length - 1)).clamp(0, length - 1)
    low = source.floor().long().clamp(max=max(length - 2, 0))
    share = (source - low)[:, None]
    first = values.gather(2, low[:, None].expand_as(values))
    second = values.gather(2, (low + 1).clamp(max=length - 1)[:, None].expand_as(values))
    return first + (second - first) * share


KINDS = {
    "amplitude": Kind(Amplitude, intensity.draw_by, intensity.multiply),
    "shift": Kind(Shift, _draw_moved, _retimed),
    "noise": Kind(intensity.Noise, intensity.draw_noise, intensity.noise),
    "channel_drop": Kind(ChannelDrop, _draw_channels, _drop),
    "time_warp": Kind(TimeWarp, _draw_bends, _retimed),
}
