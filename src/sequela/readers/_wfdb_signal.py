"""The signals of a WFDB record in the units of the store, read piece by piece, and the checks that every one of them passes.

A value is (sample - baseline) / gain, in millivolts where it is a voltage. What a segment does not have, what no segment covers,
what a skewed signal ends before and what its format calls missing is NaN: not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sequela.errors import DataError
from sequela.readers._channel_names import standard_unit
from sequela.readers._wfdb_files import SignalFile, Stored
from sequela.readers._wfdb_formats import missing
from sequela.readers._wfdb_segments import Record, Segment
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Signal:
    """Channels of one rate, float32 (C, L) (implements store.pieces.Pieces)."""

    record: Record
    which: tuple[int, ...]  # of the record's channels

    @property
    def per_frame(self) -> int:
        return self.record.channels[self.which[0]].per_frame

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.which), self.record.frames * self.per_frame

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def __getitem__(self, key: tuple[slice, slice]) -> Array:
        """The samples from one to another of the channels that the first slice takes."""
        which = self.which[key[0]]
        first, end, step = key[1].indices(self.shape[1])
        if step != 1:
            raise DataError("a signal is read sample by sample, in order")
        begin = first // self.per_frame  # the frame that the first sample is in
        frames = max(begin, -(-end // self.per_frame))
        values = self._frames(which, begin, frames)
        return values[:, first - begin * self.per_frame : max(first, end) - begin * self.per_frame]

    def _frames(self, which: Sequence[int], begin: int, end: int) -> Array:
        """All samples of these frames."""
        values = np.full((len(which), (end - begin) * self.per_frame), np.nan, np.float32)
        for segment in self.record.segments:
            for first, last in _blocks(segment, which, begin, end):
                at = slice((segment.first + first - begin) * self.per_frame, (segment.first + last - begin) * self.per_frame)
                values[:, at] = _values(segment, which, first, last, self.per_frame)
        return values


def _blocks(segment: Segment, which: Sequence[int], begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Frames of a segment within those asked for of its record, as many at once as are decoded at once."""
    files = [place.file for place in (segment.stored[i] for i in which) if place is not None]
    if not files:
        return
    first, last = max(0, begin - segment.first), min(segment.frames, end - segment.first)
    step = min(file.block for file in files)
    for start in range(first, last, step):
        yield start, min(start + step, last)


def _values(segment: Segment, which: Sequence[int], first: int, end: int, per_frame: int) -> Array:
    """Of each channel the samples of these frames of a segment, float32; NaN where there is none."""
    values = np.full((len(which), (end - first) * per_frame), np.nan, np.float32)
    held: dict[Path, Array] = {}
    for row, place in zip(values, (segment.stored[i] for i in which), strict=True):
        if place is not None:
            if place.file.path not in held:
                held[place.file.path] = place.file.read(first, min(end + place.file.most_skew, place.file.frames))
            skew = place.channel.skew
            found = _physical(held[place.file.path][skew : skew + end - first, place.columns].ravel(), place)
            row[: len(found)] = found
    return values


def _physical(samples: Array, place: Stored) -> Array:
    channel, none = place.channel, missing(place.channel.fmt)
    factor, _ = standard_unit(channel.unit)
    values = (samples.astype(np.float64) - channel.baseline) / (channel.gain or np.nan) * factor
    return values if none is None else np.where(samples == none, np.nan, values)


def by_rate(record: Record, kept: Sequence[int]) -> list[Signal]:
    """A signal for each rate that the channels kept have, their order kept."""
    rates = dict.fromkeys(record.channels[i].per_frame for i in kept)
    return [Signal(record, tuple(i for i in kept if record.channels[i].per_frame == rate)) for rate in rates]


def check(record: Record, kept: Sequence[int], *, checksums: bool) -> None:
    """Reads all of the channels kept once.

    Raises DataError for one that is not calibrated or not what its header says, and where no sample of any is a measurement.
    """
    if not record.frames:
        raise DataError("it holds no sample")
    measured = False
    for segment in record.segments:
        places = [place for place in (segment.stored[i] for i in kept) if place is not None]
        _check_calibrated(places)
        for file in {place.file.path: place.file for place in places}.values():
            sums, real = _surveyed(file)
            mine = [place for place in places if place.file is file]
            measured |= any(real[place.columns].any() for place in mine)
            if checksums:
                _check_sums(mine, sums)
    if not measured:
        raise DataError("every sample of its signals is missing")


def units(record: Record, kept: Sequence[int]) -> list[str]:
    """The unit that each channel is stored in. Raises DataError where segments give one different units."""
    found = []
    for i in kept:
        given = [segment.stored[i] for segment in record.segments]
        each = {standard_unit(place.channel.unit)[1] for place in given if place is not None}
        if len(each) > 1:
            raise DataError(f"its segments give one signal the units {', '.join(sorted(each))}")
        found.append(each.pop() if each else standard_unit(record.channels[i].unit)[1])
    return found


def _check_calibrated(places: Sequence[Stored]) -> None:
    bare = [place.channel.name or "without a name" for place in places if place.channel.gain is None]
    if bare:
        raise DataError(f"its signal {bare[0]} has no gain: what its samples measure is not known")


def _surveyed(file: SignalFile) -> tuple[Array, Array]:
    """Of each place in a frame the sum of its samples, int64, and whether any of them is a measurement, read block by block."""
    sums, real, none = np.zeros(file.width, np.int64), np.zeros(file.width, np.bool_), missing(file.fmt)
    for first in range(0, file.frames, file.block):
        frames = file.read(first, min(first + file.block, file.frames))
        sums += frames.sum(0, dtype=np.int64)
        real |= True if none is None else (frames != none).any(0)
    return sums, real


def _check_sums(places: Sequence[Stored], sums: Array) -> None:
    for place in places:
        found = int(sums[place.columns].sum()) % 2**16
        if place.channel.checksum is not None and place.channel.checksum != found:
            raise DataError(
                f"the checksum of its signal {place.channel.name or 'without a name'} is {found}; its header says "
                f"{place.channel.checksum}: it was changed or damaged",
                hint="checksums = false in the reader's options reads it all the same",
            )
