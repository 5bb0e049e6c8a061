"""Band-pass and mains filters of windows: pure functions of windows "… L" with the context before them, without a shift in time.

Both work on the window as it is: no sample after it is needed, and none of it is spoilt by a filter that still settles.

    band    the window's cosine transform (of the window and its mirror image, so the ends do not jump), each term times the
            magnitude of a Butterworth filter run forth and back: 1 / (1 + (low/f)^2n) / (1 + (f/high)^2n)
    mains   less its projection on the sines within MAINS_WIDTH_HZ of the mains frequency and of its harmonics
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import fft

from sequela.errors import ConfigError
from sequela.types import Array

ORDER = 4
MAINS_WIDTH_HZ = 0.5  # the mains frequency wanders by less
HARMONICS = 2  # the mains frequency and its double
INDEPENDENT = 1e-3  # sines whose singular value is below this share of the largest say nothing new


@dataclass(frozen=True, slots=True)
class Filters:
    """What is taken out of windows; None: nothing."""

    bandpass: tuple[float, float] | None = None  # Hz kept; 0 as the lower one: no lower end
    notch: float | None = None  # Hz of the mains


UNFILTERED = Filters()


def filtered(raw: Array, rate_hz: float, filters: Filters) -> Array:
    """The windows after the mains and the band filter, in the type they came in. Raises ConfigError as the two do."""
    if filters.notch is not None:
        raw = less_mains(raw, rate_hz, filters.notch)
    return raw if filters.bandpass is None else band(raw, rate_hz, *filters.bandpass)


def band(raw: Array, rate_hz: float, low_hz: float, high_hz: float) -> Array:
    """What lies between the two frequencies. Raises ConfigError where they do not rise, or the rate is too low for the upper one.

    >>> time = np.arange(1000) / 250
    >>> kept = band(np.cos(2 * np.pi * 10 * time) + np.cos(2 * np.pi * 80 * time) + 3, 250.0, 0.5, 40.0)
    >>> bool(np.abs(kept - np.cos(2 * np.pi * 10 * time))[100:-100].max() < 0.03)
    True
    """
    if not 0 <= low_hz < high_hz < rate_hz / 2:
        raise ConfigError(
            f"a band of {low_hz:g} to {high_hz:g} Hz does not fit {rate_hz:g} samples a second",
            hint="both must rise and lie below half the rate",
        )
    waves = fft.dct(raw, norm="ortho", axis=-1) * _gain(raw.shape[-1], rate_hz, low_hz, high_hz).astype(raw.dtype)
    found: Array = fft.idct(waves, norm="ortho", axis=-1)
    return found


@cache
def _gain(length: int, rate_hz: float, low_hz: float, high_hz: float) -> Array:
    """Of each term of the cosine transform, float64 "L"."""
    hertz = np.arange(length) * rate_hz / (2 * length)
    rises = np.ones(length)
    if low_hz:
        rises = 1 / (1 + (low_hz / np.maximum(hertz, 1e-9)) ** (2 * ORDER))
    found: Array = rises / (1 + (hertz / high_hz) ** (2 * ORDER))
    return found


def less_mains(raw: Array, rate_hz: float, mains_hz: float) -> Array:
    """Without the hum of the mains and its harmonic, as far as the rate can show them. Raises ConfigError where it shows neither.

    In a window of half a second or less this takes one frequency out, and whatever else of the signal looks like it.
    """
    if not 0 < mains_hz < rate_hz / 2:
        raise ConfigError(f"{rate_hz:g} samples a second show no hum of {mains_hz:g} Hz", hint="leave notch out")
    hum = _hum(raw.shape[-1], rate_hz, mains_hz).astype(raw.dtype)
    found: Array = raw - (raw @ hum.T) @ hum
    return found


@cache
def _hum(length: int, rate_hz: float, mains_hz: float) -> Array:
    """Orthonormal rows: all that sines near the mains frequency and its harmonics can make, float64 "R L"."""
    step = rate_hz / (2 * length)
    aside = np.arange(-int(MAINS_WIDTH_HZ / step), int(MAINS_WIDTH_HZ / step) + 1) * step
    centres = [mains_hz * k for k in range(1, HARMONICS + 1) if mains_hz * k + MAINS_WIDTH_HZ < rate_hz / 2] or [mains_hz]
    turns = 2 * np.pi * np.concatenate([centre + aside for centre in centres])[:, None] * np.arange(length) / rate_hz
    _, size, rows = np.linalg.svd(np.concatenate([np.cos(turns), np.sin(turns)]), full_matrices=False)
    found: Array = rows[size > INDEPENDENT * size[0]]
    return found
