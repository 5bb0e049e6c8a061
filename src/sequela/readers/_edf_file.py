"""One EDF or BDF file: its header held against its size, its data records as a memory map, its annotations read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.readers import _edf_annotations
from sequela.readers._edf_annotations import FARTHEST, Annotations
from sequela.readers._edf_header import FIXED, Header, Signal, parse
from sequela.readers._edf_runs import runs, unbroken
from sequela.readers._edf_samples import Run, annotation_bytes, opened
from sequela.types import Array

MOST_SIGNALS = 9999  # that four digits of the header can tell
CutShort = Literal["refuse", "keep"]


@dataclass(frozen=True, slots=True)
class EdfFile:
    """A file that can be read."""

    header: Header
    records: Array  # uint8 "R S": a memory map
    annotations: Annotations

    @property
    def signals(self) -> list[Signal]:
        """Those of samples."""
        return [signal for signal in self.header.signals if not signal.annotates]

    @property
    def runs(self) -> list[Run]:
        """Data records without interruption, in their order.

        A record counts as the next where it begins within half a sample, of the highest rate, of where that before it ends.
        Raises DataError where the records do not say it, or lie over each other.
        """
        if self.header.plus != "D":
            return unbroken(self.annotations.begins, len(self.records))
        most = max((signal.samples for signal in self.signals), default=1)
        return runs(self.annotations.begins, self.header.duration, self.header.duration / (2 * max(most, 1)))


def read(path: Path, cut_short: CutShort, sink: Sink) -> EdfFile:
    """The file, with what is odd of it noted. Raises DataError, with the reason, for one that cannot be used."""
    with path.open("rb") as file:
        header = parse(file.read(FIXED * (1 + MOST_SIGNALS)))
    records = opened(path, header, _count(header, path.stat().st_size, cut_short, sink))
    told = [signal for signal in header.signals if signal.annotates and signal.samples]
    found = _edf_annotations.read(annotation_bytes(records, told, header.width) if told else (), len(records))
    if found.broken:
        sink.note("annotations (TAL) that cannot be read, left out", found.broken)
    return EdfFile(header, records, found)


def _count(header: Header, size: int, cut_short: CutShort, sink: Sink) -> int:
    """How many data records are read of a file of so many bytes."""
    if not header.record_size:
        raise DataError("its data records hold no sample")
    if not header.duration and not all(signal.annotates for signal in header.signals):
        raise DataError("its data records last 0 s")
    whole, rest = divmod(max(size - header.size, 0), header.record_size)
    if header.records > whole and cut_short == "refuse":
        raise DataError(f"it is cut short: {whole} data records of {header.records}")
    if header.records > whole:
        sink.note("files cut short, of which the whole data records are read", 1)
    elif 0 <= header.records < whole:
        sink.note("files that go on after the data records that they tell of, which are read alone", 1)
    elif rest:
        sink.note("files that end within a data record, which is left out", 1)
    count = whole if header.records < 0 else min(whole, header.records)
    if not count:
        raise DataError("it holds no data record")
    if count * header.duration > FARTHEST:
        raise DataError(f"its data records last {header.duration:g} s each")
    return count


def extremes(signal: Signal, width: int) -> float:
    """The largest value, above or below zero, that its samples can mean."""
    span = 1 << (8 * width - 1)
    with np.errstate(over="ignore"):
        return float(np.abs(signal.gain * (np.array([-span, span]) - float(signal.digital[0])) + signal.physical[0]).max())
