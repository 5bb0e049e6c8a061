"""The header of an EDF or BDF file: what it holds, how its samples are stored and what they mean.

Sources: Kemp et al. 1992 (EDF), Kemp and Olivan 2003 (EDF+), https://www.edfplus.info/specs/; BioSemi's 24-bit BDF (BDF+ is to
BDF what EDF+ is to EDF). The text should be ASCII; names and units in UTF-8 or Latin-1 are common and are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Literal

from sequela.errors import DataError

FIXED = 256  # bytes of the file's own part, and of the part of each signal
WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # of a signal's fields, each given for all signals before the next
EDF_VERSION, BDF_VERSION = b"0       ", b"\xffBIOSEMI"
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
DATE = re.compile(r"(\d\d)[.:/-](\d\d)[.:/-](\d\d)")
START_DATE = re.compile(r"Startdate (\S+)")
CENTURY = 85  # two digits of a year from 85 on are of the 20th century
NO_DATE = "01.01.85"  # what a file from which the date was removed says

Plus = Literal["", "C", "D"]  # plain, or with annotations: without interruptions, or with them


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of each data record."""

    name: str
    unit: str
    physical: tuple[float, float]  # what the smallest and the largest digital value mean
    digital: tuple[int, int]
    samples: int  # in a data record
    begin: int  # bytes from the beginning of a data record

    @property
    def annotates(self) -> bool:
        return self.name in ANNOTATIONS

    @property
    def gain(self) -> float:
        """Units a digital step, of a signal without fault."""
        return (self.physical[1] - self.physical[0]) / (self.digital[1] - self.digital[0])

    @property
    def fault(self) -> str:
        """Why its samples mean nothing; "" where they do."""
        if not self.samples:
            return "without a sample"
        if self.digital[0] == self.digital[1]:
            return "whose digital range is empty"
        if self.physical[0] == self.physical[1]:
            return "of gain zero"
        return ""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself, as it says it."""

    width: int  # bytes a sample: 2 in EDF, 3 in BDF
    plus: Plus
    patient: str
    recording: str
    date: str
    time: str
    records: int  # -1: not told
    duration: float  # seconds of a data record
    signals: tuple[Signal, ...]

    @property
    def size(self) -> int:
        """Bytes of the header."""
        return FIXED * (1 + len(self.signals))

    @property
    def record_size(self) -> int:
        """Bytes of a data record."""
        return sum(signal.samples for signal in self.signals) * self.width

    @property
    def start(self) -> datetime | None:
        """When it began, in the local time of the recorder; None where the date was removed or is none."""
        told = START_DATE.match(self.recording) if self.plus else None
        if self.date == NO_DATE or (told and told[1] == "X"):
            return None
        day, hour = DATE.fullmatch(self.date), DATE.fullmatch(self.time)
        if not day or not hour:
            return None
        year = int(day[3]) + (1900 if int(day[3]) >= CENTURY else 2000)
        try:
            return datetime(year, int(day[2]), int(day[1]), int(hour[1]), int(hour[2]), int(hour[3]))
        except ValueError:
            return None


def is_edf(begin: bytes) -> bool:
    """Whether a file that begins so claims to be EDF or BDF."""
    return begin[:8] in (EDF_VERSION, BDF_VERSION)


def parse(content: bytes) -> Header:
    """The header that these bytes, a whole file or its beginning, start with. Raises DataError for what is none, or is wrong."""
    if not is_edf(content):
        raise DataError("not an EDF or BDF file")
    if len(content) < FIXED:
        raise DataError(f"its header is cut short: {len(content)} bytes of {FIXED}")
    fields = [_text(part) for part in _parts(content, 8, (80, 80, 8, 8, 8, 44, 8, 8, 4))]
    patient, recording, date, time, size, reserved, records, duration, count = fields
    signals, told = _whole(count, "number of signals"), _whole(size, "size of the header")
    expected = FIXED * (1 + signals)
    if signals < 1 or told != expected:
        raise DataError(f"its header says it has {told} bytes and {signals} signals, which take {max(expected, 2 * FIXED)}")
    if len(content) < expected:
        raise DataError(f"its header is cut short: {len(content)} bytes of {expected}")
    width = 2 if content[:8] == EDF_VERSION else 3
    return Header(
        width=width,
        plus=_plus(reserved),
        patient=patient,
        recording=recording,
        date=date,
        time=time,
        records=_records(records),
        duration=_duration(duration),
        signals=tuple(_signals(content[FIXED:expected], signals, width)),
    )


def _parts(content: bytes, begin: int, widths: tuple[int, ...]) -> Iterator[bytes]:
    for width in widths:
        yield content[begin : begin + width]
        begin += width


def _signals(content: bytes, count: int, width: int) -> Iterator[Signal]:
    columns = [
        [_text(column[i * size : (i + 1) * size]) for i in range(count)]
        for column, size in zip(_parts(content, 0, tuple(count * size for size in WIDTHS)), WIDTHS, strict=True)
    ]
    begin = 0
    for number, (name, _, unit, low, high, least, most, _, samples, _) in enumerate(zip(*columns, strict=True), 1):
        place = f" of signal {number}"
        held = _whole(samples, f"number of samples{place}")
        if held < 0:
            raise DataError(f"its number of samples{place} is {held}")
        physical = (_number(low, f"physical minimum{place}"), _number(high, f"physical maximum{place}"))
        digital = (_whole(least, f"digital minimum{place}"), _whole(most, f"digital maximum{place}"))
        yield Signal(name, unit, physical, digital, held, begin)
        begin += held * width


def _plus(reserved: str) -> Plus:
    if reserved[:5] in ("EDF+D", "BDF+D"):
        return "D"
    return "C" if reserved[:5] in ("EDF+C", "BDF+C") else ""


def _records(text: str) -> int:
    found = _whole(text, "number of data records")
    if found < -1:
        raise DataError(f"its number of data records is {found}")
    return found


def _duration(text: str) -> float:
    found = _number(text, "duration of a data record")
    if found < 0:
        raise DataError(f"the duration of its data records is {found} s")
    return found


def _text(field: bytes) -> str:
    try:
        return field.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return field.decode("latin-1").strip(" \0")


def _whole(text: str, what: str) -> int:
    """The number that a field holds. Raises DataError, which does not show the field, where it holds none."""
    found = _number(text, what)
    if not found.is_integer():
        raise DataError(f"the {what} in its header is no whole number")
    return int(found)


def _number(text: str, what: str) -> float:
    try:
        found = float(text.replace(",", "."))
    except ValueError as error:
        raise DataError(f"the {what} in its header is no number") from error
    if not isfinite(found):
        raise DataError(f"the {what} in its header is no number")
    return found
