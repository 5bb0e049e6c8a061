"""The signal files of one WFDB segment, read between any two frames; a frame holds one or more samples of every signal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sequela import extras
from sequela.errors import DataError
from sequela.readers._wfdb_formats import FLAC, FLAC_BITS, FORMATS, samples
from sequela.readers._wfdb_header import NULL, Channel, Header
from sequela.types import Array

BLOCK_SAMPLES = 2**20  # decoded at once, of all signals of a file


@dataclass(frozen=True, slots=True)
class SignalFile:
    """One file and the signals in it, in its order."""

    path: Path
    channels: tuple[Channel, ...]
    frames: int  # stored in it

    @property
    def fmt(self) -> str:
        return self.channels[0].fmt

    @property
    def width(self) -> int:
        """Samples in a frame."""
        return sum(channel.per_frame for channel in self.channels)

    def columns(self, which: int) -> slice:
        """Where the samples of a channel are in a frame."""
        first = sum(channel.per_frame for channel in self.channels[:which])
        return slice(first, first + self.channels[which].per_frame)

    @property
    def most_skew(self) -> int:
        """Frames by which the last of its signals lags behind."""
        return max(channel.skew for channel in self.channels)

    @property
    def block(self) -> int:
        """Frames that are decoded at once."""
        return max(1, BLOCK_SAMPLES // self.width)

    def read(self, first: int, end: int) -> Array:
        """The stored frames from `first` to `end`, integers (frames, width). Raises DataError where the file ends before."""
        if self.fmt in FLAC:
            return self._stream(first, end)
        held = samples(self.path, self.fmt, self.channels[0].offset, first * self.width, end * self.width)
        frames = held.reshape(end - first, self.width)
        return self._summed(frames, first) if self.fmt == "8" else frames

    def _summed(self, differences: Array, first: int) -> Array:
        """Samples from the differences of format 8, whose value before the first frame is the sum of all before it."""
        values = np.empty(differences.shape, np.int64)
        before = self._before(first)
        for i, channel in enumerate(self.channels):
            steps = differences[:, self.columns(i)]
            start = channel.initial + before[self.columns(i)].sum()
            values[:, self.columns(i)] = (start + np.cumsum(steps.ravel(), dtype=np.int64)).reshape(steps.shape)
        return values

    def _before(self, first: int) -> Array:
        """The sums of the differences before a frame, of each place in a frame."""
        total = np.zeros(self.width, np.int64)
        for begin in range(0, first, self.block):
            end = min(begin + self.block, first)
            part = samples(self.path, "8", self.channels[0].offset, begin * self.width, end * self.width)
            total += part.reshape(-1, self.width).sum(0, dtype=np.int64)
        return total

    def _stream(self, first: int, end: int) -> Array:
        per_frame = self.channels[0].per_frame
        with _opened(self) as stream:
            stream.seek(self.channels[0].offset + first * per_frame)
            held = stream.read((end - first) * per_frame, dtype="int32", always_2d=True)
            bits = FLAC_BITS[stream.subtype]
        if len(held) < (end - first) * per_frame:
            raise DataError("its signal file is cut short: its FLAC stream ends before the record")
        frames: Array = (held >> 32 - bits).reshape(end - first, per_frame, -1)
        return frames.transpose(0, 2, 1).reshape(end - first, -1)


@dataclass(frozen=True, slots=True)
class Stored:
    """Where one signal of a segment is."""

    channel: Channel
    file: SignalFile
    columns: slice  # of a frame of its file


def stored(header: Header, folder: Path) -> tuple[Stored | None, ...]:
    """Where each signal of a record is; None for one that it names and does not have.

    Raises DataError for a file that is missing, shorter than the header says, or whose signals disagree.
    """
    named: dict[str, list[int]] = {}
    for i, channel in enumerate(header.channels):
        if channel.fmt != NULL:
            named.setdefault(channel.file, []).append(i)
    found: list[Stored | None] = [None] * len(header.channels)
    for name, which in named.items():
        file = _file(folder / name, tuple(header.channels[i] for i in which), header.frames)
        for place, i in enumerate(which):
            found[i] = Stored(header.channels[i], file, file.columns(place))
    return tuple(found)


def _file(path: Path, channels: tuple[Channel, ...], frames: int | None) -> SignalFile:
    if not path.is_file():
        raise DataError(f"its signals cannot be read: {path.name} is missing")
    if len({(channel.fmt, channel.offset) for channel in channels}) > 1:
        raise DataError("its header gives the signals of one file two formats or two beginnings")
    if channels[0].fmt in FLAC and len({channel.per_frame for channel in channels}) > 1:
        raise DataError("its header gives the signals of one FLAC file two rates")
    file = SignalFile(path, channels, frames or 0)
    found = _frames_held(file)
    if frames is not None and found < frames:
        raise DataError(f"its signal file is cut short: {found} frames of {frames}")
    return SignalFile(path, channels, found) if frames is None else file


def _frames_held(file: SignalFile) -> int:
    """Whole frames that a file can hold by its size, or by what its stream says of itself."""
    if file.fmt in FLAC:
        with _opened(file) as stream:
            return max(0, int(stream.frames) - file.channels[0].offset) // file.channels[0].per_frame
    size = max(0, file.path.stat().st_size - file.channels[0].offset)
    return FORMATS[file.fmt].held(size) // file.width


@contextmanager
def _opened(file: SignalFile) -> Iterator[Any]:
    """The stream of a FLAC file; whatever libsndfile finds wrong with it is the reason to refuse the record."""
    soundfile = extras.need("soundfile", "wfdb")
    try:
        with soundfile.SoundFile(file.path) as stream:
            if stream.format != "FLAC" or stream.channels != len(file.channels):
                raise DataError(
                    f"its signal file is {stream.format} of {stream.channels} channels; expected FLAC of {len(file.channels)}"
                )
            if FLAC_BITS.get(stream.subtype, 99) > FLAC[file.fmt]:
                raise DataError(f"its signal file holds {stream.subtype}, which the format {file.fmt} does not")
            yield stream
    except soundfile.SoundFileError as error:
        raise DataError("its signal file cannot be read as FLAC") from error
