"""WFDB headers (.hea): what a record is, in its own words, and nothing guessed.

Source: header(5) of the WFDB Applications Guide, https://physionet.org/physiotools/wag/header-5.htm. A line not as written
there is refused by its number. A gain of zero, or none, means that a signal is not calibrated; it is told as None, not as the 200
units a millivolt that programs for pictures assume.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import PurePosixPath

from sequela.errors import DataError
from sequela.readers._wfdb_formats import FLAC, FORMATS

RATE_HZ = 250.0  # of a header that names none: the format's own default
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
RECORD = re.compile(
    rf"(?P<name>[^\s/]+)(?:/(?P<segments>\d+))?\s+(?P<signals>\d+)"
    rf"(?:\s+(?P<rate>{NUMBER})(?:/{NUMBER}(?:\({NUMBER}\))?)?"
    r"(?:\s+(?P<length>\d+)(?:\s+(?P<time>[\d:.]+)(?:\s+(?P<date>\d+/\d+/\d+))?)?)?)?"
)
SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<fmt>\d+)(?:x(?P<per_frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?"
    rf"(?:\s+(?P<gain>{NUMBER})(?:\((?P<baseline>[-+]?\d+)\))?(?:/(?P<unit>\S+))?"
    r"(?:\s+(?P<bits>\d+)(?:\s+(?P<zero>[-+]?\d+)(?:\s+(?P<initial>[-+]?\d+)(?:\s+(?P<checksum>[-+]?\d+)"
    r"(?:\s+(?P<block>\d+)(?:\s+(?P<name>.+))?)?)?)?)?)?)?"
)
SEGMENT = re.compile(r"(?P<name>\S+)\s+(?P<length>\d+)")
WHOLE = ("per_frame", "skew", "offset", "baseline", "zero", "initial")  # fields that are whole numbers
NULL = "0"  # the format of a signal that a segment does not have
MOST_SIGNALS = 10_000
RANGE = (1e-25, 1e25)  # of a gain: float32 holds 2 ** 31 steps of either, in volts of any scale
MOST_SKEW = 10_000  # frames
MOST = 2**31  # of any whole number that a header gives but for its length


@dataclass(frozen=True, slots=True)
class Channel:
    """One signal of a record: where its samples lie, and what they mean."""

    name: str  # "" where the header gives none
    file: str
    fmt: str
    per_frame: int  # samples of it in each frame
    skew: int  # frames by which it lags behind the others in its file
    offset: int  # bytes before the first sample of its file (samples, of FLAC)
    gain: float | None  # steps a unit; None where it is not calibrated
    baseline: int  # the step at zero
    unit: str
    initial: int  # the value before its first difference, in format 8
    checksum: int | None  # of its samples, modulo 2 ** 16


@dataclass(frozen=True, slots=True)
class Header:
    """One record: of signals, or of segments that are records themselves."""

    name: str
    rate_hz: float  # frames a second
    frames: int | None  # None where the header leaves it to the files
    start: datetime | None
    channels: tuple[Channel, ...]
    segments: tuple[tuple[str, int], ...]  # name and frames of each, "~" where there is none
    joins: bool  # whether it is of segments
    comments: tuple[str, ...]


def parse(content: bytes) -> Header:
    """The header. Raises DataError, with the line, for what is no header."""
    text = content.decode("utf-8", errors="replace")
    lines = [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    comments = tuple(line.lstrip("#").strip() for _, line in lines if line.startswith("#"))
    last, lines = lines[-1:], [(i, line) for i, line in lines if not line.startswith("#")]
    if not lines:
        raise DataError("its header is empty")
    if last == lines[-1:] and not text.rstrip(" \t").endswith(("\n", "\r")):
        raise DataError("its header ends in the middle of a line", hint="end its last line with a newline where it is whole")
    record, rest = _match(RECORD, *lines[0], "record"), lines[1:]
    joins = record["segments"] is not None
    count, named = int(record["segments"] if joins else record["signals"]), "segments" if joins else "signals"
    if len(rest) != count or count > MOST_SIGNALS:
        raise DataError(f"its header promises {count} {named} and has lines for {len(rest)}")
    return Header(
        name=record["name"],
        rate_hz=_rate(record["rate"]),
        frames=int(record["length"]) if record["length"] and int(record["length"]) else None,
        start=_start(record["date"], record["time"]),
        channels=() if joins else tuple(_channel(number, line) for number, line in rest),
        segments=tuple(_segment(number, line) for number, line in rest) if joins else (),
        joins=joins,
        comments=comments,
    )


def inside(name: str) -> str:
    """The name of a file beside a header, or in a folder below.

    Raises DataError where it leads anywhere else: a record reads no other files than its own.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise DataError("its header names a file outside of its folder")
    return name


def _channel(number: int, line: str) -> Channel:
    found = _match(SIGNAL, number, line, "signal")
    if found["fmt"] not in FORMATS and found["fmt"] not in FLAC and found["fmt"] != NULL:
        raise DataError(f"its header gives a signal the storage format {found['fmt']}; known are {', '.join([*FORMATS, *FLAC])}")
    if any(abs(int(found[field] or 0)) > MOST for field in WHOLE):
        raise DataError(f"its header gives a signal a number beyond {MOST} (line {number})")
    per_frame = int(found["per_frame"] or 1)
    if not per_frame or int(found["skew"] or 0) > MOST_SKEW:
        raise DataError(f"its header gives a signal no sample in a frame, or a skew beyond {MOST_SKEW} frames (line {number})")
    zero = int(found["zero"] or 0)
    return Channel(
        name=(found["name"] or "").strip(),
        file=found["file"] if found["fmt"] == NULL else inside(found["file"]),
        fmt=found["fmt"],
        per_frame=per_frame,
        skew=int(found["skew"] or 0),
        offset=int(found["offset"] or 0),
        gain=_gain(found["gain"], number),
        baseline=zero if found["baseline"] is None else int(found["baseline"]),
        unit=found["unit"] or "mV",
        initial=int(found["initial"] or 0),
        checksum=None if found["checksum"] is None else int(found["checksum"]) % 2**16,
    )


def _gain(text: str | None, number: int) -> float | None:
    gain = float(text or 0)
    if gain and not RANGE[0] < abs(gain) < RANGE[1]:
        raise DataError(f"its header gives a signal a gain that no signal has (line {number})")
    return gain or None


def _segment(number: int, line: str) -> tuple[str, int]:
    found = _match(SEGMENT, number, line, "segment")
    return inside(found["name"]), int(found["length"])


def _rate(text: str | None) -> float:
    rate = RATE_HZ if text is None else float(text)
    if not 0 < rate < 1e9:
        raise DataError(f"its header gives a sampling rate of {rate:g} Hz")
    return rate


def _start(day: str | None, clock: str | None) -> datetime | None:
    """When the first sample was taken; None where the header does not have both date and time."""
    if day is None or clock is None:
        return None
    try:
        return datetime.combine(_date(day), _time(clock))
    except ValueError as error:
        raise DataError("its header has a date or time that no calendar has") from error


def _date(text: str) -> date:
    day, month, year = (int(part) for part in text.split("/"))
    return date(year, month, day)


def _time(text: str) -> time:
    """Of HH:MM:SS, MM:SS or SS, each with or without a fraction."""
    parts = text.split(":")
    whole, _, fraction = parts[-1].partition(".")
    hours, minutes, seconds = [0] * (3 - len(parts)) + [int(part) for part in (*parts[:-1], whole)]
    return time(hours, minutes, seconds, int(f"{fraction[:6]:<06}" if fraction else 0))


def _match(pattern: re.Pattern[str], number: int, line: str, what: str) -> re.Match[str]:
    found = pattern.fullmatch(line)
    if found is None:
        raise DataError(f"its header has no {what} where one is due (line {number})")
    return found
