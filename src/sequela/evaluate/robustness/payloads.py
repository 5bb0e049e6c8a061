"""Signals and pictures, spoilt as they are opened: what reads them sees nothing else.

Spreads are those of a channel of the signal or the picture itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from sequela import seed as streams
from sequela.types import Array, Known, Payload, Payloads

SECOND = 1.0  # length of what is missing of a signal at once
BLOCKS = 8  # along each side of a picture: what is missing of it at once
How = Callable[[Payload, np.random.Generator], Array]


@dataclass(frozen=True)
class Spoilt:
    """Payloads (types.Payloads) that were each spoilt by a draw of their own, the same one whenever they are opened."""

    payloads: Payloads
    how: How
    seed: int
    opened: dict[str, Payload] = field(default_factory=dict)

    def open(self, uri: str) -> Payload:
        if uri not in self.opened:
            held = self.payloads.open(uri)
            changed = self.how(held, streams.generator(self.seed, "payload", uri))
            self.opened[uri] = replace(held, values=_typed(changed, held.values.dtype))
        return self.opened[uri]


def spoilt(known: Known, how: How, seed: int) -> Known:
    """What is known, with its payloads spoilt when they are opened."""
    return replace(known, payloads=Spoilt(known.payloads, how, seed))


def missing(share: float) -> How:
    """That share of the seconds of each channel flat at its median, or of the blocks of a picture at its mean."""
    return partial(_missing, share)


def noise(level: float) -> How:
    return partial(_noise, level)


def coarse(times: float) -> How:
    """As if recorded at so much lower a rate or resolution, and brought back to the old one by straight lines or squares."""
    return partial(_coarse, int(times))


def garbled(share: float) -> How:
    """That share of the samples or points as noise over the whole range of the type; of floats no number or a huge one."""
    return partial(_garbled, share)


def flat(channel: int) -> How:
    """One channel without any signal."""
    return partial(_flat, channel)


def gained(factor: float) -> How:
    """In another unit."""
    return partial(_gained, factor)


def _missing(share: float, payload: Payload, random: np.random.Generator) -> Array:
    values = np.array(payload.values, np.float32)
    gone = _gone(payload, random) < share
    middle = np.median(values, axis=tuple(range(1, values.ndim)), keepdims=True) if payload.rate_hz else values.mean()
    return np.where(gone, middle, values)


def _gone(payload: Payload, random: np.random.Generator) -> Array:
    """A number between 0 and 1 for each sample, one for all of a second or a block."""
    shape = payload.values.shape
    if payload.rate_hz:
        width = max(1, round(SECOND * payload.rate_hz))
        draw: Array = random.random((shape[0], -(-shape[1] // width))).repeat(width, 1)[:, : shape[1]]
        return draw
    coarse_draw = random.random((1, *[min(BLOCKS, side) for side in shape[1:]]))
    for axis, side in enumerate(shape[1:], 1):
        place = np.arange(side) * coarse_draw.shape[axis] // side
        coarse_draw = np.take(coarse_draw, place, axis)
    return coarse_draw


def _noise(level: float, payload: Payload, random: np.random.Generator) -> Array:
    values = np.asarray(payload.values, np.float32)
    spread = np.nanstd(values, axis=tuple(range(1, values.ndim)), keepdims=True)
    moved: Array = values + level * spread * random.standard_normal(values.shape, np.float32)
    return moved


def _coarse(times: int, payload: Payload, random: np.random.Generator) -> Array:
    values = np.asarray(payload.values, np.float32)
    if payload.rate_hz:
        return np.stack([_resampled(channel, times) for channel in values])
    for axis in range(values.ndim - 2, values.ndim):  # within a picture or slice
        values = np.take(values, np.arange(values.shape[axis]) // times * times, axis)
    return values


def _resampled(channel: Array, times: int) -> Array:
    """Means of so many samples, joined by straight lines."""
    whole = len(channel) // times * times
    if not whole:
        return channel
    means = channel[:whole].reshape(-1, times).mean(1)
    centre = np.arange(len(means)) * times + (times - 1) / 2
    joined: Array = np.interp(np.arange(len(channel)), centre, means)
    return joined


def _garbled(share: float, payload: Payload, random: np.random.Generator) -> Array:
    values = np.array(payload.values, np.float32)
    hit = random.random(values.shape, np.float32) < share
    if payload.values.dtype.kind == "f":
        bad = np.array([np.nan, np.inf, 1e30], np.float32)[random.integers(0, 3, values.shape)]
    else:
        ends = np.iinfo(payload.values.dtype)
        bad = random.integers(ends.min, ends.max, values.shape, endpoint=True).astype(np.float32)
    return np.where(hit, bad, values)


def _flat(channel: int, payload: Payload, random: np.random.Generator) -> Array:
    values = np.array(payload.values, np.float32)
    values[channel] = 0
    return values


def _gained(factor: float, payload: Payload, random: np.random.Generator) -> Array:
    return np.asarray(payload.values, np.float32) * factor


def _typed(values: Array, dtype: np.dtype[Any]) -> Array:
    """In the type that the payload has, held to its range."""
    if dtype.kind == "f":
        return values.astype(dtype)
    ends = np.iinfo(dtype)
    return np.clip(np.rint(values), ends.min, ends.max).astype(dtype)
