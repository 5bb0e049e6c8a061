"""Windows of signals: cut, freed of their baseline, resampled and scaled, many at once.

A window is a function of the samples from `context` before its first to its last, and of nothing else. So one that is known at
two predictions is the same at both, is computed once, and no sample outside what both know is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from scipy import signal

from sequela.errors import DataError
from sequela.prep.scratch import room
from sequela.signals.baseline import Baseline, less_baseline
from sequela.signals.filters import UNFILTERED, Filters, filtered
from sequela.signals.quality import FAULTS, Quality, quality
from sequela.store.channels import places
from sequela.types import Array, Payload, Payloads

Own: TypeAlias = Literal["none", "sd", "quartiles"]
CHUNK = 2048  # windows worked on at once
LONGEST_FAULT = f"U{max(map(len, FAULTS))}"
QUARTILES = 1.349  # of a normal distribution they lie so many sd apart
FLAT = 1e-6  # a spread below this share of the unit is no spread


@dataclass(frozen=True, slots=True)
class Shape:
    """How windows are cut: `length` samples at `rate_hz`, made from `context_seconds` more before them."""

    length: int
    rate_hz: float
    context_seconds: float
    baseline: Baseline
    filters: Filters = UNFILTERED

    def read_from(self, source_hz: float) -> int:
        """Samples at a source's rate that one window spans."""
        return int(np.ceil(self.length * source_hz / self.rate_hz - 1e-6))

    def context(self, source_hz: float) -> int:
        """Samples before the window that are read for its baseline and scale."""
        return round(self.context_seconds * source_hz)


@dataclass(frozen=True, slots=True)
class Scale:
    """How values are scaled: by centre and spread of each channel, then by each window's own where it is asked for."""

    centre: Array  # float32 "C"
    spread: Array  # float32 "C"
    own: Own = "none"  # of the window with its context: less nothing by sd, less median by IQR

    @classmethod
    def none(cls, channels: int) -> Scale:
        return cls(np.zeros(channels, np.float32), np.ones(channels, np.float32))


@dataclass(frozen=True, slots=True)
class Places:
    """Where M windows lie: the payload of each, by its place in `uris`, and its first sample there; negative before the start."""

    uris: Sequence[str]
    payload: Array  # int64 "M"
    first: Array  # int64 "M"

    def once(self) -> tuple[Places, Array]:
        """Each window once, by payload and sample, and where in them each of the M is."""
        key = self.payload << 40 | self.first + (1 << 32)
        found, place = np.unique(key, return_inverse=True)
        return Places(self.uris, found >> 40, (found & (1 << 40) - 1) - (1 << 32)), place

    def some(self, most: int) -> Places:
        """At most so many of them, evenly spaced."""
        kept = np.linspace(0, len(self.first) - 1, min(most, len(self.first))).astype(np.int64)
        return Places(self.uris, self.payload[kept], self.first[kept])


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels wanted of every payload, each a name or alternatives, and their units."""

    wanted: tuple[str, ...]
    units: tuple[str, ...]

    def of(self, payload: Payload) -> tuple[int | None, ...]:
        """Where each is in a payload. Raises DataError where a payload has one in another unit."""
        found, units = places(names_of(payload), self.wanted), units_of(payload)
        for place, name, unit in zip(found, self.wanted, self.units, strict=True):
            if place is not None and units[place] != unit:
                raise DataError(f"the channel {name!r} is in {units[place]!r} here, in {unit!r} in the training records")
        return found


def names_of(payload: Payload) -> tuple[str, ...]:
    """One name for each channel, by place where a payload gives none."""
    return payload.channels or tuple(f"channel_{c}" for c in range(len(payload.values)))


def units_of(payload: Payload) -> tuple[str, ...]:
    """One unit for each channel; a payload may name one for all, or one each, with commas between."""
    units = payload.unit.split(",")
    return tuple(units) if len(units) == len(payload.values) else (payload.unit,) * len(payload.values)


def cut(payloads: Payloads, where: Places, channels: Channels, shape: Shape, scale: Scale) -> tuple[Array, Array]:
    """The windows, float32 "M C L", and which of their entries are real, bool "M C L"; what is not real is 0.

    Not real: a channel that the payload lacks, a sample before its start, one that is not a number.
    """
    size = (len(where.first), len(channels.wanted), shape.length)
    values, seen = room(size, np.float32), room(size, np.bool_)
    for mine, payload in _by_payload(payloads, where):
        values[mine], seen[mine] = _windows(payload, where.first[mine], channels.of(payload), shape, scale)
    return values, seen


def _windows(payload: Payload, first: Array, channels: Sequence[int | None], shape: Shape, scale: Scale) -> tuple[Array, Array]:
    rate = rate_of(payload)
    raw, real = _gathered(payload, first, channels, shape)
    raw = filtered(less_baseline(raw, rate, shape.baseline), rate, shape.filters)
    raw = (raw - scale.centre[:, None]) / scale.spread[:, None]
    raw = OWN[scale.own](raw)
    before = shape.context(rate)
    nearest = np.minimum(np.round(np.arange(shape.length) * rate / shape.rate_hz).astype(np.int64), raw.shape[2] - before - 1)
    seen = real[:, :, before:][:, :, nearest]
    values = _resampled(raw[:, :, before:], rate, shape)
    return np.where(seen, values, 0), seen


def judged(payloads: Payloads, where: Places, channels: Channels, shape: Shape, *, beats: bool) -> Quality:
    """How good each window is as it was recorded, before anything is taken out of it, and without its context."""
    size = (len(where.first), len(channels.wanted))
    found = Quality(np.zeros(size, np.float32), np.full(size, "", LONGEST_FAULT))
    for mine, payload in _by_payload(payloads, where):
        raw, real = _gathered(payload, where.first[mine], channels.of(payload), replace(shape, context_seconds=0))
        one = quality(raw, real, rate_of(payload), beats=beats)
        found.index[mine], found.reason[mine] = one.index, one.reason
    return found


def _by_payload(payloads: Payloads, where: Places) -> Iterator[tuple[Array, Payload]]:
    """Some windows of one payload, by number, until all were named."""
    order = np.argsort(where.payload, kind="stable")
    bounds = np.searchsorted(where.payload[order], np.arange(len(where.uris) + 1))
    for number in np.flatnonzero(np.diff(bounds)):
        payload, mine = payloads.open(where.uris[int(number)]), order[bounds[number] : bounds[number + 1]]
        for start in range(0, len(mine), CHUNK):
            yield mine[start : start + CHUNK], payload


def rate_of(payload: Payload) -> float:
    """Raises DataError for a payload without a time axis."""
    if payload.rate_hz is None:
        raise DataError("a payload read as a waveform has no sampling rate")
    return payload.rate_hz


def _gathered(payload: Payload, first: Array, channels: Sequence[int | None], shape: Shape) -> tuple[Array, Array]:
    """Samples "M C context+window" and which are real; a gap is filled with the median of its window."""
    rate = rate_of(payload)
    context = shape.context(rate)
    index = (first - context)[:, None] + np.arange(context + shape.read_from(rate))
    inside = (index >= 0) & (index < payload.values.shape[1])
    nothing = np.zeros(index.shape, np.float32)
    index = np.where(inside, index, 0)
    raw = np.stack([nothing if c is None else np.asarray(payload.values[c])[index] for c in channels], 1)
    present = np.array([c is not None for c in channels])
    real = inside[:, None] & present[:, None] & ~np.isnan(raw)
    return _filled(raw, real), real


def _filled(raw: Array, real: Array) -> Array:
    gaps = ~real.all(-1) & real.any(-1)
    if gaps.any():
        middle = np.nanmedian(np.where(real[gaps], raw[gaps], np.nan), -1, keepdims=True)
        raw[gaps] = np.where(real[gaps], raw[gaps], middle)
    raw[~real.any(-1)] = 0
    return raw


def _by_spread(raw: Array) -> Array:
    spread = raw.std(-1, keepdims=True)
    found: Array = raw / np.where(spread > FLAT, spread, 1)
    return found


def _by_quartiles(raw: Array) -> Array:
    """Less the median, over the distance of the quartiles as that of a normal distribution has it."""
    low, middle, high = np.quantile(raw, (0.25, 0.5, 0.75), axis=-1, keepdims=True).astype(np.float32)
    spread = (high - low) / QUARTILES
    found: Array = (raw - middle) / np.where(spread > FLAT, spread, 1)
    return found


OWN: Mapping[Own, Callable[[Array], Array]] = {"none": lambda raw: raw, "sd": _by_spread, "quartiles": _by_quartiles}


def _resampled(raw: Array, rate: float, shape: Shape) -> Array:
    if rate == shape.rate_hz:
        return raw
    found: Array = raw @ _polyphase(raw.shape[2], rate, shape.rate_hz, shape.length).T
    return found


@cache
def _polyphase(old: int, old_hz: float, new_hz: float, new: int) -> Array:
    """Float32 "new old": polyphase resampling of a window of fixed length is one matrix; the line between its ends is kept."""
    ratio = Fraction(new_hz / old_hz).limit_denominator(1000)
    found = signal.resample_poly(np.eye(old), ratio.numerator, ratio.denominator, axis=0, padtype="line")
    matrix: Array = found[:new].astype(np.float32)
    return matrix
