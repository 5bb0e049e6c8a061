"""A WFDB record as its segments, one after another; a record without segments is one of itself.

In a record of variable layout the first segment, of no length, names the signals; each other one has some of them, found by name.
In one of fixed layout every segment has all of them, in one order. Frames that no segment covers ("~") are a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sequela.errors import DataError
from sequela.readers._wfdb_files import Stored, stored
from sequela.readers._wfdb_header import Channel, Header, parse

GAP = "~"
MOST_GAP = 2**30  # numbers of nothing that are stored for the gaps of one record: 4 GB


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames of a record that lie together in files."""

    first: int  # its first frame in the whole record
    frames: int
    stored: tuple[Stored | None, ...]  # for each signal of the whole record


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record."""

    rate_hz: float  # frames a second
    frames: int
    start: datetime | None
    channels: tuple[Channel, ...]  # as the record, or its layout, names them
    segments: tuple[Segment, ...]
    comments: tuple[str, ...]


def opened(path: Path) -> Record:
    """The record of this header. Raises DataError with the reason why it cannot be used."""
    header = parse(path.read_bytes())
    if header.joins:
        return _joined(header, path.parent)
    if not header.channels:
        raise DataError("its header names no signal")
    whole = _segment(header, path.parent, 0, header.channels)
    return Record(header.rate_hz, whole.frames, header.start, header.channels, (whole,), header.comments)


def _segment(header: Header, folder: Path, first: int, channels: Sequence[Channel]) -> Segment:
    """One record as a segment of another that has these signals."""
    found = stored(header, folder)
    lengths = {place.file.frames for place in found if place is not None}
    if len(lengths) > 1:
        raise DataError("its signal files are not of one length, and its header gives none")
    frames = lengths.pop() if lengths else 0
    if channels is header.channels:
        return Segment(first, frames, found)
    if {channel.name for channel in header.channels} - {channel.name for channel in channels}:
        raise DataError("a segment of it has a signal that its layout does not name")
    return Segment(first, frames, tuple(_named(channel, found) for channel in channels))


def _named(channel: Channel, found: Sequence[Stored | None]) -> Stored | None:
    """The signal of that name. Raises DataError where a segment has two of them, or has it at another rate."""
    named = [place for place in found if place is not None and place.channel.name == channel.name]
    if len(named) > 1:
        raise DataError("a segment of it has two signals of one name")
    if named and named[0].channel.per_frame != channel.per_frame:
        raise DataError("a segment of it has a signal at another rate")
    return named[0] if named else None


def _joined(header: Header, folder: Path) -> Record:
    variable = bool(header.segments) and header.segments[0][1] == 0
    parts = [(name, frames, None if name == GAP else _header(folder, name)) for name, frames in header.segments]
    heads = [part for _, _, part in parts if part is not None]
    if not heads:
        raise DataError("it holds no sample: no segment has a signal")
    channels = heads[0].channels
    _check_lengths(header, sum(channel.per_frame for channel in channels))
    segments, first = [], 0
    for name, frames, part in parts[1:] if variable else parts:
        if part is not None:
            _check_segment(part, frames, header.rate_hz)
            whole, beside = replace(part, frames=frames), folder / Path(name).parent
            segments.append(_placed(whole, beside, first, channels, variable=variable))
        first += frames
    return Record(header.rate_hz, first, header.start, channels, tuple(segments), header.comments)


def _header(folder: Path, name: str) -> Header:
    try:
        return parse((folder / f"{name}.hea").read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"its segment {Path(name).name} is missing") from error


def _placed(part: Header, folder: Path, first: int, channels: Sequence[Channel], *, variable: bool) -> Segment:
    if variable:
        return _segment(part, folder, first, channels)
    if [_alike(channel) for channel in part.channels] != [_alike(channel) for channel in channels]:
        raise DataError("its segments have different signals, and its layout is fixed")
    return _segment(part, folder, first, part.channels)


def _alike(channel: Channel) -> tuple[str, int]:
    return channel.name, channel.per_frame


def _check_segment(part: Header, frames: int, rate_hz: float) -> None:
    if part.joins:
        raise DataError("a segment of it is of segments itself")
    if part.rate_hz != rate_hz:
        raise DataError(f"a segment of it is sampled at {part.rate_hz:g} Hz, the record at {rate_hz:g} Hz")
    if part.frames not in (None, frames):
        raise DataError(f"a segment of it has {part.frames} frames, of which the record says {frames}")


def _check_lengths(header: Header, width: int) -> None:
    """Refuses lengths that do not add up, and gaps beyond what should be stored of nothing: `width` samples a frame."""
    total = sum(frames for _, frames in header.segments)
    if header.frames is not None and header.frames != total:
        raise DataError(f"its segments have {total} frames together, of which its header says {header.frames}")
    gap = sum(frames for name, frames in header.segments if name == GAP)
    if gap * width > MOST_GAP:
        raise DataError(f"its segments lie {gap / header.rate_hz / 3600:.0f} hours apart, more than a store holds of nothing")
