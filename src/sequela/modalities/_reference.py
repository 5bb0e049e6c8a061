"""The reference beat of each row: the median of the beats known of it, and how each beat differs from that.

A beat of a conduction block is usual in one patient and a premature one in another. What tells them apart is how a beat differs
from the same patient's dominant beat (Mar 2011, section III; Llamedo and Martinez 2011, section II-D).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from sequela.types import Array

Reference: TypeAlias = Literal["none", "beside", "removed"]
MOST = 41  # beats of a row that its reference is the median of, evenly spaced where more are known
CHUNK = 512  # rows worked on at once
FLAT = 0.02  # of the channel's unit: a reference of a lesser spread is scaled by this


@dataclass(frozen=True, slots=True)
class References:
    """Windows of M distinct beats, and of R rows the reference; step s of a row is the window place[s]."""

    windows: Array  # float32 "M C L", in natural units
    seen: Array  # bool "M C L"
    place: Array  # int64 "S"
    of: Array  # int64 "S": which reference
    median: Array  # float32 "R C L"

    @classmethod
    def of_rows(cls, windows: Array, seen: Array, place: Array, row: Array) -> References:
        """`row` "S" is sorted."""
        first = np.flatnonzero(np.append(True, row[1:] != row[:-1])[: len(row)])
        count = np.diff(np.append(first, len(row)))
        picked = (first[:, None] + (np.arange(MOST) + 0.5) * count[:, None] // MOST).astype(np.int64)
        return cls(windows, seen, place, np.repeat(np.arange(len(first)), count), _medians(windows, place[picked]))

    def beats(self, steps: Array) -> Array:
        """Of these steps the windows, float32 "S C L"."""
        found: Array = self.windows[self.place[steps]]
        return found

    def usual(self, steps: Array) -> Array:
        """Of these steps the references, float32 "S C L"."""
        found: Array = self.median[self.of[steps]]
        return found

    def differences(self, steps: Array) -> Array:
        """Of these steps the windows less their references; 0 where a sample was not seen."""
        return np.where(self.seen[self.place[steps]], self.beats(steps) - self.usual(steps), 0)

    def spread(self, steps: Array) -> Array:
        """Of these steps the standard deviation of the reference, float32 "S C 1"."""
        found: Array = np.maximum(self.median.std(-1, keepdims=True), FLAT)[self.of[steps]]
        return found


def _medians(windows: Array, picked: Array) -> Array:
    """Medians "R C L" of the windows "R K" picked for each row."""
    found = np.empty((len(picked), *windows.shape[1:]), np.float32)
    for start in range(0, len(picked), CHUNK):
        chunk = slice(start, start + CHUNK)
        found[chunk] = _median(windows[picked[chunk]])
    return found


def _median(beats: Array) -> Array:
    """Median "R C L" of the half of the beats "R K C L" that lie nearest to the median of all: two forms do not blend."""
    middle = np.median(beats, 1, keepdims=True)
    distance = np.abs(beats - middle).sum((2, 3))
    nearest = np.argpartition(distance, MOST // 2, axis=1)[:, : MOST // 2 + 1]
    found: Array = np.median(np.take_along_axis(beats, nearest[:, :, None, None], 1), 1)
    return found
