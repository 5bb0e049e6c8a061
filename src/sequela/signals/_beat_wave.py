"""One segment of an electrocardiogram as the detector sees it: the QRS band, its energy, and how high both usually are.

The band is the difference of two smoothings, a wavelet about as long as a QRS complex: it keeps what is steep, of either sign,
and takes out baseline, T waves and mains hum (the short smoothing has a zero near 50 and 60 Hz). A sample that is not a number,
or lies outside the record, has no weight in any mean, and the band falls to nothing towards it, so a gap makes no edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sequela.types import Array

SHORT, LONG = 0.02, 0.08  # seconds: widths of the two smoothings, each run twice
ENERGY = (0.09, 0.045)  # seconds: the energy is smoothed by both
ENOUGH = 0.25  # of a segment must be real, else the lead has no height and no noise in it
QUIET = 0.3  # this quantile of the energy in a segment is its noise


@dataclass(frozen=True, slots=True)
class Wave:
    """A segment of S samples in C leads."""

    band: Array  # float64 "C S"
    energy: Array  # float64 "C S": root of the mean square of the band around each sample
    height: Array  # float64 "C": the highest energy, NaN where too little of the lead is real
    noise: Array  # float64 "C": the energy between the beats, NaN likewise


@dataclass(frozen=True, slots=True)
class Widths:
    """Of the smoothings, in samples; odd, so that nothing is shifted."""

    short: int
    long: int
    energy: tuple[int, ...]

    @classmethod
    def at(cls, rate_hz: float) -> Widths:
        short, long, *energy = (2 * round(seconds * rate_hz / 2) + 1 for seconds in (SHORT, LONG, *ENERGY))
        return cls(short, long, tuple(energy))

    @property
    def margin(self) -> int:
        """Samples on either side of a segment that it depends on."""
        return max(self.short, self.long) - 1 + sum(width // 2 for width in self.energy)


def wave(raw: Array, widths: Widths) -> Wave:
    """Of a segment with `widths.margin` samples more on either side."""
    real = np.isfinite(raw)
    whole = bool(real.all())
    values = np.where(real, raw, 0).astype(np.float64)
    share = None if whole else real.astype(np.float64)
    band = _twice(values, widths.short, share) - _twice(values, widths.long, share)
    if share is not None:
        band *= np.clip(2 * _smooth(share, widths.long) - 1, 0, 1)
    power = band * band
    for width in widths.energy:
        power = _smooth(power, width)
    inner = slice(widths.margin, raw.shape[1] - widths.margin)
    energy = np.sqrt(np.maximum(power[:, inner], 0))
    noise = _quantile(energy, QUIET) if whole else np.array([_noise(*lead) for lead in zip(energy, real[:, inner], strict=True)])
    return Wave(band[:, inner], energy, np.where(np.isnan(noise), np.nan, energy.max(-1)), noise)


def _noise(energy: Array, real: Array) -> float:
    """Of one lead with gaps; NaN where too little of it is real."""
    return float(_quantile(energy[real], QUIET)) if real.mean() >= ENOUGH else float("nan")


def _twice(values: Array, width: int, share: Array | None) -> Array:
    return _mean(_mean(values, width, share), width, share)


def _mean(values: Array, width: int, share: Array | None) -> Array:
    """Around each sample, over those that are real."""
    if share is None:
        return _smooth(values, width)
    weight = _smooth(share, width)
    found: Array = np.where(share > 0, _smooth(values * share, width) / np.maximum(weight, 0.5 / width), 0)
    return found


def _smooth(values: Array, width: int) -> Array:
    found: Array = ndimage.uniform_filter1d(values, width, axis=-1, mode="nearest")
    return found


def _quantile(values: Array, share: float) -> Array:
    place = int(share * (values.shape[-1] - 1))
    found: Array = np.partition(values, place, -1)[..., place]
    return found
