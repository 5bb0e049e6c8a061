"""A window as plain columns for the baselines: its shape in a few points, its statistics, its power in bands; and its rhythm."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sequela.modalities._rhythm import Rhythm
from sequela.types import Array

POINTS = 32  # of the shape, for each channel
BANDS_HZ = (0.5, 4, 8, 13, 30, 60, 120)  # the EEG's bands, which part an ECG's T, P and QRS as well
STATISTICS = ("mean", "sd", "least", "most", "range", "line_length", "skew")
RHYTHM = (
    "rr_before",
    "rr_after",
    "rr_local",
    "rr_mean",
    "rr_before_local",
    "rr_after_local",
    "rr_before_mean",
    "rr_after_before",
)


def names(channels: tuple[str, ...], length: int, rate_hz: float) -> tuple[str, ...]:
    """Of `columns`, channel by channel."""
    points = [f"point_{i}" for i in range(min(POINTS, length))]
    bands = [f"band_{low:g}_{high:g}" for low, high in _bands(rate_hz)]
    return tuple(f"{channel}_{name}" for channel in channels for name in (*points, *STATISTICS, *bands))


def columns(values: Array, seen: Array, rate_hz: float) -> Array:
    """Of windows "M C L" in natural units, float32 "M P"; NaN for a channel of which nothing is seen."""
    parts = [_shape(values), _statistics(values), _power(values, rate_hz)]
    found = np.concatenate(parts, -1).astype(np.float32)
    found[~seen.any(-1)] = np.nan
    return found.reshape(len(found), found.shape[1] * found.shape[2])


def _shape(values: Array) -> Array:
    """The means of POINTS stretches of about equal length."""
    length = values.shape[-1]
    edges = np.linspace(0, length, min(POINTS, length) + 1).astype(np.int64)
    found: Array = np.add.reduceat(values, edges[:-1], axis=-1) / np.diff(edges)
    return found


def _statistics(values: Array) -> Array:
    mean, sd = values.mean(-1), values.std(-1)
    low, high = values.min(-1), values.max(-1)
    line = np.abs(np.diff(values, axis=-1)).sum(-1)
    skew = ((values - mean[..., None]) ** 3).mean(-1) / np.maximum(sd, 1e-6) ** 3
    return np.stack([mean, sd, low, high, high - low, line, skew], -1)


def _power(values: Array, rate_hz: float) -> Array:
    """The logarithm of the mean power in each band."""
    power = np.abs(np.fft.rfft(values, axis=-1)) ** 2 / values.shape[-1]
    hertz = np.fft.rfftfreq(values.shape[-1], 1 / rate_hz)
    bands = [_band(power, (hertz >= low) & (hertz < high)) for low, high in _bands(rate_hz)]
    return np.log(np.stack(bands, -1) + 1e-12) if bands else np.zeros((*values.shape[:2], 0), np.float32)


def _band(power: Array, inside: Array) -> Array:
    found: Array = power[..., inside].mean(-1) if inside.any() else np.zeros(power.shape[:2])
    return found


def _bands(rate_hz: float) -> list[tuple[float, float]]:
    """Those below half the sampling rate."""
    return [(low, high) for low, high in pairwise(BANDS_HZ) if low < rate_hz / 2]


def rhythm_columns(rhythm: Rhythm) -> Array:
    """The columns RHYTHM: intervals in seconds and their ratios, float32 "S 8", NaN where unknown."""
    before, after, local, mean = rhythm.columns
    ratios = [before / local, after / local, before / mean, after / before]
    return np.stack([before, after, local, mean, *ratios], 1).astype(np.float32)
