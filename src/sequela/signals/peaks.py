"""R peaks of an electrocardiogram of any leads, all at once or as it comes: the same peaks whatever the pieces.

    energy in the QRS band of each lead (_beat_wave.py)
    -> one curve, each lead against its own usual height and counted by its contrast (_beat_level.py)
    -> its tops are candidates -> beats by a threshold that follows their height (_beat_rules.py)

Nothing is fitted. The constants were chosen on the records DS1 of the MIT-BIH database (de Chazal 2004) and measured on all 48:
bench/r_peaks.py. A peak is given some seconds after its beat (RPeaks.late_seconds): the height of what follows counts as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from sequela.errors import DataError
from sequela.signals._beat_level import Levels
from sequela.signals._beat_rules import REFRACTORY, Candidate, Rules
from sequela.signals._beat_wave import Wave, Widths, wave
from sequela.types import Array

SEGMENT_SECONDS = 2.0  # what is looked at together
BEFORE, AFTER = 4, 2  # segments around one over which the height of beats is taken
APART = 0.1  # seconds: a candidate is the highest so far to either side
REFINED = 0.06  # seconds around a candidate in which the peak is looked for
LEAST = 0.05  # of the usual height: lower is no candidate
LOWEST_RATE_HZ = 60.0
PIECE_SECONDS = 600.0  # a long record is read in such pieces


def r_peaks(signal: Array, rate_hz: float, leads: Sequence[int] | None = None) -> Array:
    """Samples of the R peaks, int64 "P", of a signal "C L" in any unit, in all of its channels or in these; NaN is a gap.

    The signal may be anything with a shape and `[:, a:b]`: it is read piece by piece. Raises DataError for another number of
    axes, or a rate below LOWEST_RATE_HZ.
    """
    if len(signal.shape) != 2:
        raise DataError(f"R peaks are looked for in channels and samples, not in an array of {len(signal.shape)} axes")
    found, piece = RPeaks(rate_hz), max(round(PIECE_SECONDS * rate_hz), 1)
    wanted = slice(None) if leads is None else list(leads)
    starts = range(0, signal.shape[1], piece)
    parts = [found.push(np.asarray(signal[:, start : start + piece])[wanted]) for start in starts]
    return np.concatenate([*parts, found.finish()])


class RPeaks:
    """R peaks of a signal that comes in pieces; what is kept in memory does not grow with its length."""

    def __init__(self, rate_hz: float) -> None:
        """Raises DataError for a rate below LOWEST_RATE_HZ."""
        if not rate_hz >= LOWEST_RATE_HZ:
            raise DataError(f"R peaks need a sampling rate of {LOWEST_RATE_HZ:g} Hz or more, not {rate_hz:g}")
        self._size = round(SEGMENT_SECONDS * rate_hz)
        self._widths = Widths.at(rate_hz)
        self._rules = Rules(rate_hz)
        self._tops = _Tops(rate_hz)
        self._levels: Levels | None = None
        self._length = 0  # samples pushed
        self._rest = np.zeros((0, 0), np.float32)  # not yet a segment
        self._raw = deque[Array](maxlen=3)
        self._waves = deque[Wave](maxlen=BEFORE + 1 + AFTER)

    def push(self, chunk: Array) -> Array:
        """Samples of the peaks that are settled with this chunk "C n" and were not before, int64, counted from the first pushed.

        Raises DataError where the number of channels is not that of the chunk before.
        """
        if self._levels is None and chunk.ndim == 2:
            self._begin(len(chunk))
        if chunk.ndim != 2 or len(chunk) != len(self._rest):
            raise DataError(f"a piece of signal has the shape {chunk.shape}, expected {len(self._rest)} channels and samples")
        self._length += chunk.shape[1]
        pieces = np.concatenate([self._rest, chunk], axis=1)
        whole = pieces.shape[1] // self._size * self._size
        self._rest = pieces[:, whole:].copy()
        return _samples([peak for at in range(0, whole, self._size) for peak in self._segment(pieces[:, at : at + self._size])])

    def finish(self) -> Array:
        """The peaks that are left; nothing may be pushed after."""
        if self._levels is None:
            return _samples([])
        nothing = np.full((len(self._rest), self._size), np.nan, np.float32)
        last = np.concatenate([self._rest, nothing], axis=1)[:, : self._size]
        found = [peak for raw in (last, *[nothing] * (AFTER + 2)) for peak in self._segment(raw)]
        return _samples([peak for peak in [*found, *self._rules.settled(np.inf)] if peak < self._length])

    @property
    def late_seconds(self) -> float:
        """After so many seconds more a peak has been given."""
        return SEGMENT_SECONDS * (AFTER + 2) + APART + REFRACTORY

    @property
    def held_samples(self) -> int:
        """Samples of a lead that are in memory, raw or as waves."""
        return self._rest.shape[1] + self._size * (len(self._raw) + len(self._waves))

    def _begin(self, leads: int) -> None:
        nothing = np.full((leads, self._size), np.nan, np.float32)
        self._levels, self._rest = Levels(leads), nothing[:, :0]
        self._raw.append(nothing)

    def _segment(self, raw: Array) -> list[int]:
        """The peaks that one more segment settles: first it is the margin of the one before, whose wave is then whole."""
        self._raw.append(raw.copy())
        if len(self._raw) < 3:
            return []
        before, here, after = self._raw
        margin = self._widths.margin
        self._waves.append(wave(np.concatenate([before[:, -margin:], here, after[:, :margin]], axis=1), self._widths))
        if len(self._waves) <= AFTER or self._levels is None:
            return []
        current = self._waves[-1 - AFTER]
        scale = self._levels.scale(self._waves)
        tops = self._tops.take(scale @ current.energy, scale @ np.abs(current.band))
        found = [peak for top in tops for peak in self._rules.take(top)]
        return found + self._rules.settled(self._tops.until)


class _Tops:
    """The candidates: where the curve is highest within APART, and nearby where the band itself is."""

    def __init__(self, rate_hz: float) -> None:
        self._apart, self._near = round(APART * rate_hz), round(REFINED * rate_hz)
        self._curve, self._band = np.zeros(self._apart), np.zeros(self._apart)  # the last that may belong to a candidate to come
        self.until = 0  # candidates from this sample on are still to come

    def take(self, curve: Array, band: Array) -> list[Candidate]:
        """Those that these further samples complete, in order."""
        curve, band = np.concatenate([self._curve, curve]), np.concatenate([self._band, band])
        apart, first = self._apart, self.until - self._apart  # the sample at place 0
        last = len(curve) - apart
        top = ndimage.maximum_filter1d(curve, 2 * apart + 1, mode="nearest")[apart:last]
        places = np.flatnonzero((curve[apart:last] == top) & (top > LEAST)) + apart
        found = [Candidate(first + place, curve[place], first + self._peak(band, place)) for place in places.tolist()]
        self.until = first + last
        self._curve, self._band = curve[last - apart :], band[last - apart :]
        return found

    def _peak(self, band: Array, place: int) -> int:
        begin = place - self._near
        return begin + int(np.argmax(band[begin : place + self._near + 1]))


def _samples(found: list[int]) -> Array:
    return np.array(found, np.int64)
