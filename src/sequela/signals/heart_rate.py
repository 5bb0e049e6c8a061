"""Intervals between heartbeats: what is left of them once ectopic beats and errors are out, and their variability.

Definitions and terms of the Task Force of the European Society of Cardiology and the North American Society of Pacing and
Electrophysiology (1996), Circulation 93:1043, tables 1 and 2:

    heart_rate       /min, 60,000 over the mean interval
    sdnn             ms, the standard deviation of the intervals
    rmssd            ms, the root of the mean square of differences between intervals that follow each other
    pnn50            %, the share of such differences above 50 ms, over the number of intervals
    lf, hf           ms², the power from 0.04 to 0.15 Hz and from 0.15 to 0.4 Hz, by the periodogram of Lomb (1976) and Scargle
                     (1982), which needs no resampling of the uneven intervals
    lf_hf            lf over hf
    sample_entropy   nats, of templates of 2 intervals within 0.2 standard deviations (Richman and Moorman 2000)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

from sequela.types import Array

FEATURES = ("heart_rate", "sdnn", "rmssd", "pnn50", "lf", "hf", "lf_hf", "sample_entropy")
PLAUSIBLE_MS = (300.0, 2000.0)  # other intervals are errors
DIFFERENT = 0.2  # an interval that differs by more than this share from the median around it belongs to an ectopic beat
AROUND = 11  # intervals that this median is taken over
LEAST = 3  # intervals of which anything is said
LOW_HZ, HIGH_HZ = (0.04, 0.15), (0.15, 0.4)
SPECTRUM_SECONDS = 120.0  # a shorter series has no lf (Task Force 1996, section "Duration of recording")
FINER = 4  # frequencies at which the periodogram is taken, of those that the length of the series tells apart
TEMPLATE, TOLERANCE = 2, 0.2  # of the sample entropy: intervals, and standard deviations
JITTER_SECONDS = 1e-3  # two intervals follow each other where the first ends as the second begins


@dataclass(frozen=True, slots=True)
class Intervals:
    """I intervals between beats, in the order of time."""

    seconds: Array  # float64 "I": when each ends
    ms: Array  # float64 "I"

    def take(self, which: Array) -> Intervals:
        return Intervals(self.seconds[which], self.ms[which])


def intervals(beats: Array, normal: Array | None = None) -> Intervals:
    """Between each two beats (seconds, rising) that follow each other; with `normal` (bool) only where both are: NN."""
    between = Intervals(beats[1:], np.diff(beats) * 1e3)
    return between if normal is None else between.take(normal[1:] & normal[:-1])


def cleaned(found: Intervals) -> Intervals:
    """Those that are plausible and near to the median of those around them: what is taken for NN where nobody labelled the beats.

    >>> cleaned(intervals(np.array([0, 0.8, 1.6, 2.0, 3.2, 4.0, 4.8]))).ms.round()
    array([800., 800., 800., 800.])
    """
    low, high = PLAUSIBLE_MS
    some = found.take((found.ms >= low) & (found.ms <= high))
    if not len(some.ms):
        return some
    usual = ndimage.median_filter(some.ms, AROUND, mode="nearest")
    return some.take(np.abs(some.ms - usual) <= DIFFERENT * usual)


def variability(found: Intervals) -> Array:
    """FEATURES of NN intervals, float64 "8"; NaN where they are too few or too short for one.

    >>> variability(intervals(np.array([0, 0.8, 1.66, 2.46])))[:4].round(2)
    array([73.17, 34.64, 60.  , 66.67])
    """
    if len(found.ms) < LEAST:
        return np.full(len(FEATURES), np.nan)
    step = _successive(found)
    low, high = _powers(found)
    return np.array(
        [
            60_000 / found.ms.mean(),
            found.ms.std(ddof=1),
            np.sqrt(np.mean(step**2)) if len(step) else np.nan,
            100 * np.sum(np.abs(step) > 50) / len(found.ms) if len(step) else np.nan,
            low,
            high,
            low / high if high > 0 else np.nan,
            sample_entropy(found.ms),
        ]
    )


def _successive(found: Intervals) -> Array:
    """Differences in ms between intervals of which one ends as the next begins."""
    joined = np.abs(np.diff(found.seconds) - found.ms[1:] / 1e3) < JITTER_SECONDS
    return np.asarray(np.diff(found.ms)[joined])


def _powers(found: Intervals) -> tuple[float, float]:
    """ms² in the low and in the high band; NaN where the series is too short, 0 where nothing varies."""
    span = float(found.seconds[-1] - found.seconds[0])
    if span < SPECTRUM_SECONDS:
        return np.nan, np.nan
    spread = found.ms - found.ms.mean()
    if not spread.any():
        return 0.0, 0.0
    hertz = np.arange(LOW_HZ[0], HIGH_HZ[1], 1 / (FINER * span))
    density = spectrum(found.seconds, spread, hertz)
    return _power(hertz, density, LOW_HZ), _power(hertz, density, HIGH_HZ)


def spectrum(seconds: Array, values: Array, hertz: Array) -> Array:
    """One-sided power density of uneven samples with mean 0, in their unit squared per Hz: it adds up to their variance."""
    power: Array = signal.lombscargle(seconds, values, 2 * np.pi * hertz)
    return np.asarray(2 * (seconds[-1] - seconds[0]) / len(seconds) * power)


def _power(hertz: Array, density: Array, band: tuple[float, float]) -> float:
    inside = (hertz >= band[0]) & (hertz < band[1])
    return float(np.trapezoid(density[inside], hertz[inside]))


def sample_entropy(values: Array) -> float:
    """Of a series; NaN where no template is found twice, or nothing varies.

    >>> bool(sample_entropy(np.tile([1.0, 2.0], 50)) < 0.01)
    True
    """
    tolerance = TOLERANCE * values.std(ddof=1)
    starts = len(values) - TEMPLATE
    if starts < 2 or not tolerance > 0:
        return float("nan")
    near = np.abs(values[:, None] - values[None]) <= tolerance
    short = np.logical_and.reduce([near[k : starts + k, k : starts + k] for k in range(TEMPLATE)])
    long = short & near[TEMPLATE:, TEMPLATE:]
    shorter, longer = (int(np.triu(pairs, 1).sum()) for pairs in (short, long))
    return float(-np.log(longer / shorter)) if longer else float("nan")
