"""Windows freed of their baseline: each way is a pure function of windows "… L" with the context before them, nothing fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from scipy import ndimage

from sequela.types import Array

Baseline: TypeAlias = Literal["none", "mean", "median", "two_median", "highpass"]
MEDIAN_SECONDS = (0.2, 0.6)  # widths of the two median filters: P waves and QRS, then T waves (de Chazal 2004, section II-B)
MEDIAN_RATE_HZ = 90.0  # the two medians run on every k-th sample, down to about this rate
HIGHPASS_HZ = 0.5  # slower waves are removed by "highpass"


def less_baseline(raw: Array, rate_hz: float, baseline: Baseline) -> Array:
    """The windows without it."""
    return raw if baseline == "none" else BASELINES[baseline](raw, rate_hz)


def _less_mean(raw: Array, rate: float) -> Array:
    found: Array = raw - raw.mean(-1, keepdims=True)
    return found


def _less_median(raw: Array, rate: float) -> Array:
    half = raw.shape[-1] // 2
    found: Array = raw - np.partition(raw, half, -1)[..., half, None]
    return found


def _less_two_medians(raw: Array, rate: float) -> Array:
    """Less what is left after two running medians (de Chazal 2004), here within the window and its context alone."""
    every = max(1, round(rate / MEDIAN_RATE_HZ))
    slow = raw[..., ::every]
    for seconds in MEDIAN_SECONDS:
        slow = _running_median(slow, 2 * round(seconds * rate / every / 2) + 1)
    found: Array = raw - slow @ _between(raw.shape[-1], every).T
    return found


def _running_median(values: Array, width: int) -> Array:
    """Along the last axis, ends held: windows are joined with room between them, since one long row is filtered fastest."""
    half = width // 2
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(half, half)], mode="edge")
    found = ndimage.median_filter(padded.ravel(), size=width, mode="nearest").reshape(padded.shape)
    kept: Array = found[..., half : half + values.shape[-1]]
    return kept


@cache
def _between(length: int, every: int) -> Array:
    """Float32 "length, n": linear interpolation from every k-th sample back to all."""
    knots = np.arange(0, length, every)
    weights = [np.interp(np.arange(length), knots, row) for row in np.eye(len(knots))]
    return np.stack(weights, 1).astype(np.float32)


def _less_slow_waves(raw: Array, rate: float) -> Array:
    """Less its projection on the cosines below HIGHPASS_HZ and the mean: a high-pass that needs nothing outside the window."""
    slow = _slow_waves(raw.shape[-1], rate)
    found: Array = raw - (raw @ slow.T) @ slow
    return found


@cache
def _slow_waves(length: int, rate: float) -> Array:
    """Orthonormal rows: cosines of half periods 0, 1, 2, … up to HIGHPASS_HZ."""
    count = 1 + int(2 * HIGHPASS_HZ * length / rate)
    waves = np.cos(np.pi * np.arange(count)[:, None] * (np.arange(length) + 0.5) / length)
    found: Array = (waves / np.linalg.norm(waves, axis=1, keepdims=True)).astype(np.float32)
    return found


BASELINES: Mapping[str, Callable[[Array, float], Array]] = {
    "mean": _less_mean,
    "median": _less_median,
    "two_median": _less_two_medians,
    "highpass": _less_slow_waves,
}
