"""How far windows of a signal can be trusted, in [0, 1], and what is wrong with those that cannot.

Each fault is looked for by itself and gives an index of its own; the window has the least of them and the name of that fault.

    missing    the share of samples that are not numbers or lie outside the record
    clipped    the share in runs at the highest or lowest value, as a saturated amplifier leaves them
    flat       the share in runs of FLAT_SECONDS or more without any change
    noise      the noise, from second differences (which a smooth wave has hardly any of), against the spread of the window
    jump       a step of the baseline that stays, against the range of the window
    no beat    (where beats are expected) how far the tallest QRS stands above what lies between

The limits were chosen on records of MIT-BIH with noise added: bench/signal_quality.py. They are for signals of 60 samples a
second or more, of which the spread is not noise itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sequela.signals._beat_wave import Widths, wave
from sequela.types import Array

FAULTS = ("missing", "clipped", "flat", "noise", "jump", "no beat")
MOST_MISSING = 0.5  # shares of a window at which the index is 0
MOST_FLAT = 0.5
MOST_CLIPPED = 0.2
FLAT_SECONDS = 0.3
CLIPPED_SECONDS = 0.03
NOISE = (0.05, 0.6)  # of the spread: up to the first the index is 1, from the second on 0
JUMP = (0.6, 0.95)  # of the range: likewise
JUMP_SECONDS = (0.02, 0.5)  # within the first it comes, over the second it stays
CONTRAST = (2.0, 4.0)  # of a QRS to what lies between: up to the first the index is 0, from the second on 1
BEAT_SECONDS = 2.0  # a shorter window may have no beat
NORMAL_MAD = 0.6745  # the median of the absolute value of a normal variable
SECOND_DIFFERENCE = 6**0.5  # sd of that of white noise of sd 1


@dataclass(frozen=True, slots=True)
class Quality:
    """Of M windows and C channels."""

    index: Array  # float32 "M C", in [0, 1]
    reason: Array  # str "M C": the fault that it stands for, "" where the index is 1

    def poor(self, least: float) -> Array:
        """Which are below this index, bool "M C"."""
        return np.asarray(self.index < least)


def quality(values: Array, seen: Array, rate_hz: float, *, beats: bool = False) -> Quality:
    """Of windows "M C L" as they were recorded, of which `seen` says what is real. `beats`: heartbeats are expected.

    Beats are looked for only in windows of BEAT_SECONDS or more.
    """
    if not values.size:
        return Quality(np.zeros(values.shape[:2], np.float32), np.full(values.shape[:2], FAULTS[0]))
    values = np.where(seen, values, 0).astype(np.float32)
    faults = [
        _missing(seen),
        _clipped(values, seen, rate_hz),
        _flat(values, seen, rate_hz),
        _noise(values),
        _jump(values, rate_hz),
    ]
    if beats and values.shape[-1] >= BEAT_SECONDS * rate_hz:
        faults.append(_no_beat(values, seen, rate_hz))
    index = np.clip(np.stack(faults), 0, 1).astype(np.float32)
    least = index.min(0)
    return Quality(least, np.where(least < 1, np.array(FAULTS)[index.argmin(0)], ""))


def worst(reasons: Sequence[str]) -> str:
    """The fault that is named most often; "" where none is.

    >>> worst(["", "noise", "flat", "noise"])
    'noise'
    """
    named = [reason for reason in reasons if reason]
    return max(sorted(set(named)), key=named.count) if named else ""


def _missing(seen: Array) -> Array:
    found: Array = 1 - (1 - seen.mean(-1)) / MOST_MISSING
    return found


def _flat(values: Array, seen: Array, rate_hz: float) -> Array:
    still = (np.diff(values, axis=-1, prepend=np.nan) == 0) & seen
    found: Array = 1 - _share_in_runs(still, round(FLAT_SECONDS * rate_hz)) / MOST_FLAT
    return found


def _clipped(values: Array, seen: Array, rate_hz: float) -> Array:
    top, bottom = values.max(-1, keepdims=True), values.min(-1, keepdims=True)
    high, low = ((values == end) & seen & (top > bottom) for end in (top, bottom))
    run = max(round(CLIPPED_SECONDS * rate_hz), 3)
    found: Array = 1 - (_share_in_runs(high, run) + _share_in_runs(low, run)) / MOST_CLIPPED
    return found


def _share_in_runs(true: Array, least: int) -> Array:
    """The share of each window that lies in runs of at least so many samples."""
    kept = ndimage.binary_opening(true, np.ones((1, 1, max(least, 2)), bool))
    found: Array = kept.mean(-1)
    return found


def _noise(values: Array) -> Array:
    if values.shape[-1] < 3:
        return np.ones(values.shape[:2])
    noise = np.median(np.abs(np.diff(values, 2, axis=-1)), -1) / (NORMAL_MAD * SECOND_DIFFERENCE)
    return _falling(noise, values.std(-1), NOISE)


def _jump(values: Array, rate_hz: float) -> Array:
    sharp, long = (max(round(seconds * rate_hz), 1) for seconds in JUMP_SECONDS)
    length = values.shape[-1]
    if length < 2 * long + sharp:
        return np.ones(values.shape[:2])
    total = np.concatenate([np.zeros((*values.shape[:2], 1)), np.cumsum(values, -1, dtype=np.float64)], -1)
    mean = (total[..., long:] - total[..., :-long]) / long  # of the `long` samples from each
    stays = np.abs(mean[..., long + sharp :] - mean[..., : -long - sharp])
    comes = np.abs(values[..., long + sharp : length - long + 1 + sharp] - values[..., long - 1 : length - long])
    count = min(stays.shape[-1], comes.shape[-1])
    step = np.minimum(stays[..., :count], comes[..., :count]).max(-1)
    return _falling(step, values.max(-1) - values.min(-1), JUMP)


def _no_beat(values: Array, seen: Array, rate_hz: float) -> Array:
    windows, channels, length = values.shape
    widths = Widths.at(rate_hz)
    around = np.where(seen, values, np.nan).reshape(windows * channels, length)
    one = wave(np.pad(around, ((0, 0), (widths.margin, widths.margin)), constant_values=np.nan), widths)
    contrast = np.nan_to_num(one.height / np.maximum(one.noise, 1e-30))
    found: Array = np.clip((contrast - CONTRAST[0]) / (CONTRAST[1] - CONTRAST[0]), 0, 1).reshape(windows, channels)
    return found


def _falling(part: Array, whole: Array, limits: tuple[float, float]) -> Array:
    """1 up to the first share, 0 from the second on; 1 where there is nothing to share."""
    share = np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0)
    found: Array = np.clip((limits[1] - share) / (limits[1] - limits[0]), 0, 1)
    return found
