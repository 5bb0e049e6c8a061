"""Samples of an EDF or BDF file, made from its data records when they are asked for: no file is ever whole in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sequela.readers._edf_header import Header, Signal
from sequela.types import Array

TOGETHER = 4096  # data records whose annotations are copied at once


@dataclass(frozen=True, slots=True)
class Run:
    """Data records that follow each other without interruption."""

    first: int
    count: int
    begin: float  # seconds from the beginning of the file

    def end(self, duration: float) -> float:
        """Where it ends, of records that last so many seconds."""
        return self.begin + self.count * duration


@dataclass(frozen=True)
class Samples:
    """Channels of one rate, float32 "C L" in physical units, NaN where the recording was interrupted.

    Only `[:, begin:end]` is asked of it.
    """

    records: Array  # uint8 "R S": the data records of the file, as a memory map
    signals: tuple[Signal, ...]
    scale: tuple[float, ...]  # what each channel is multiplied with after its own gain
    width: int
    pieces: tuple[tuple[int, int, int], ...]  # of each run: the sample at which it begins, its first record, its records

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    @property
    def each(self) -> int:
        """Samples of a channel in a data record."""
        return self.signals[0].samples

    @property
    def shape(self) -> tuple[int, int]:
        begin, _, count = self.pieces[-1]
        return len(self.signals), begin + count * self.each

    def __getitem__(self, index: tuple[slice, slice]) -> Array:
        begin, end, _ = index[1].indices(self.shape[1])
        values = np.full((len(self.signals), max(end - begin, 0)), np.nan, np.float32)
        for start, first, count in self.pieces:
            low, high = max(begin, start), min(end, start + count * self.each)
            if low < high:
                values[:, low - begin : high - begin] = self._within(first, low - start, high - start)
        return values[index[0]]

    def _within(self, first: int, low: int, high: int) -> Array:
        """Samples low to high of the run that begins with this data record."""
        record, end = first + low // self.each, first + -(-high // self.each)
        skipped = low - (record - first) * self.each
        chosen = slice(skipped, skipped + high - low)
        return np.stack([self._physical(i, record, end)[chosen] for i in range(len(self.signals))])

    def _physical(self, channel: int, begin: int, end: int) -> Array:
        """float32: the samples of a channel in these data records.

        Computed as edflib does, offset first, so that both give the same numbers to the last bit.
        """
        signal = self.signals[channel]
        stored = digital(self.records[begin:end], signal, self.width)
        offset = signal.physical[1] / signal.gain - signal.digital[1]
        return ((signal.gain * (offset + stored)) * self.scale[channel]).astype(np.float32)


def opened(path: Path, header: Header, count: int) -> Array:
    """uint8 "R S": the first `count` data records of a file, as a read-only memory map."""
    if not count or not header.record_size:
        return np.zeros((count, header.record_size), np.uint8)
    return np.memmap(path, np.uint8, "r", header.size, (count, header.record_size))


def digital(records: Array, signal: Signal, width: int) -> Array:
    """int16 or int32: the samples of a signal in these data records, as they are stored: little-endian, with a sign."""
    stored = np.ascontiguousarray(records[:, signal.begin : signal.begin + signal.samples * width])
    if width == 2:
        return stored.view("<i2").ravel()
    low, middle, high = stored.reshape(-1, 3).T.astype(np.int32)
    return low | middle << 8 | (high << 24) >> 8


def annotation_bytes(records: Array, signals: Sequence[Signal], width: int) -> Iterator[bytes]:
    """Of each data record, what its annotation signals hold, one after another."""
    spans = [slice(one.begin, one.begin + one.samples * width) for one in signals]
    for begin in range(0, len(records), TOGETHER):
        some = records[begin : begin + TOGETHER]
        parts = [np.ascontiguousarray(some[:, span]) for span in spans]
        yield from (b"\0".join(part[number].tobytes() for part in parts) for number in range(len(some)))


def pieces(runs: Sequence[Run], rate_hz: float) -> tuple[tuple[int, int, int], ...]:
    """Where each run lies among samples of this rate, from the first run's first on: at the sample nearest to its beginning."""
    return tuple((round((run.begin - runs[0].begin) * rate_hz), run.first, run.count) for run in runs)
