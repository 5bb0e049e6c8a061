"""The samples of one signal that are still held, at their own stamps."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from sequela.errors import DataError
from sequela.monitoring.recording import SECOND, Signal
from sequela.types import Array, Payload

FINEST = 1000  # a rate is taken as a fraction of whole numbers, the lower one at most this


class Samples:
    """A buffer that grows at its end and is cut at its beginning, in stretches that last whole seconds.

    So the stamps of what remains are those it always had: round(k / rate) of a later k, counted from a later start.
    """

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        ratio = Fraction(signal.rate_hz).limit_denominator(FINEST)
        self._stretch = ratio.numerator, ratio.denominator * SECOND  # samples, microseconds
        self._values = np.zeros((signal.payload.values.shape[0], 0), np.float32)
        self._begin = self._end = 0  # of what is held, in the buffer
        self.forgotten = 0  # samples

    @property
    def start(self) -> int:
        """Microseconds: of the first sample held."""
        samples, microseconds = self._stretch
        return self.signal.start + self.forgotten // samples * microseconds

    @property
    def end(self) -> int:
        """Of the sample that comes next."""
        return self.signal.stamp(self.forgotten + self._end - self._begin)

    @property
    def payload(self) -> Payload:
        """What is held, as a store would give it."""
        return replace(self.signal.payload, values=self._values[:, self._begin : self._end])

    def append(self, values: Array) -> None:
        """Adds float32 "C n". Raises DataError for another number of channels."""
        if values.ndim != 2 or len(values) != len(self._values):
            raise DataError(
                f"the signal {self.signal.name!r} has {len(self._values)} channels, and a piece of shape {values.shape}"
            )
        count = values.shape[1]
        if self._end + count > self._values.shape[1]:
            self._make_room(count)
        self._values[:, self._end : self._end + count] = values
        self._end += count

    def forget(self, before: int) -> None:
        """Lets go of whole stretches that end before a moment, in microseconds."""
        samples, microseconds = self._stretch
        gone = max((before - self.start) // microseconds, 0) * samples
        gone = min(gone, (self._end - self._begin) // samples * samples)
        self._begin += gone
        self.forgotten += gone

    def _make_room(self, count: int) -> None:
        """Moves what is held to the front of a buffer with room for as much again."""
        held = self._values[:, self._begin : self._end]
        size = held.shape[1]
        room = np.empty((len(held), max(2 * (size + count), self._stretch[0])), np.float32)
        room[:, :size] = held
        self._values, self._begin, self._end = room, 0, size
