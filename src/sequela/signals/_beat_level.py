"""How high the QRS complexes of each lead stand around a segment, and what each lead counts for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.signals._beat_wave import Wave
from sequela.types import Array

LEAST_CONTRAST = 4.0  # beats stand at least so far above the noise between them; what does not is noise
WORTH = (0.05, 1.5, 20.0)  # what a lead counts for is its contrast less the second, held between the first and the third
KEPT = 0.25  # the height falls no lower than this share of what it usually was: a pause has no small beats
MEMORY, SLOW_MEMORY = 1 / 30, 1 / 300  # share by which a segment with beats, and one without, moves the usual height
TINY = 1e-30


class Levels:
    """The height of QRS complexes in each lead, from segment to segment."""

    def __init__(self, leads: int) -> None:
        self._usual = np.full(leads, np.nan)  # natural logarithm

    def scale(self, around: Sequence[Wave]) -> Array:
        """What each lead's energy is multiplied by before the leads are added, float64 "C"; 0 for a lead that says nothing."""
        height, noise = _median([wave.height for wave in around]), _median([wave.noise for wave in around])
        lively = height > TINY
        contrast = np.where(lively, height / np.maximum(noise, TINY + height * 1e-3), 0)
        level = self._held(np.maximum(height, LEAST_CONTRAST * noise), contrast, lively)
        least, less, most = WORTH
        worth = np.where(lively, np.clip(contrast - less, least, most), 0)
        total = worth.sum()
        found: Array = worth / (total * np.where(lively, level, 1)) if total else np.zeros(len(worth))
        return found

    def _held(self, level: Array, contrast: Array, lively: Array) -> Array:
        """Not below KEPT of what was usual, which is then moved towards this."""
        now = np.log(np.where(lively, level, 1))
        before = np.where(np.isnan(self._usual) & lively, now, self._usual)
        step = np.where(contrast > LEAST_CONTRAST, MEMORY, SLOW_MEMORY)
        self._usual = np.where(lively, before + step * (now - before), before)
        held: Array = np.where(lively, np.maximum(level, KEPT * np.exp(np.nan_to_num(before))), level)
        return held


def _median(rows: Sequence[Array]) -> Array:
    """By lead, over the segments that have it; 0 where none has."""
    values = np.sort(np.stack(rows), axis=0)  # NaN comes last
    count = (~np.isnan(values)).sum(0)
    lead = np.arange(values.shape[1])
    low, high = values[np.maximum(count - 1, 0) // 2, lead], values[np.minimum(count // 2, len(values) - 1), lead]
    found: Array = np.where(count > 0, (low + high) / 2, 0)
    return np.nan_to_num(found)
