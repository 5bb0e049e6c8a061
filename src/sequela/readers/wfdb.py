"""Waveform records in the WFDB format of PhysioNet, with their annotations, of any length.

All storage formats (8, 16, 24, 32, 61, 80, 160, 212, 310, 311, and FLAC as 508, 516, 524), records of several segments in fixed
or variable layout, signals of several rates and skewed ones. A record becomes the payloads and events that `_signals.py`
describes: BEAT and LABEL//beat of its beats, LABEL//rhythm of its rhythms, ANNOTATION//<symbol> of every other annotation. It is
read a piece at a time: what is held in memory does not grow with its length.

WFDB times have no zone, so they count as relative: a record begins at its header's date and time where it has both, else on
2000-01-01, and several records of one subject without dates follow each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Annotated, cast

from msgspec import Meta

from sequela import extras
from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers._beats import Beats, Detect
from sequela.readers._channel_names import channel_names, joined_units
from sequela.readers._signals import Recording, Writer, joined
from sequela.readers._subjects import Subjects
from sequela.readers._subjects import check as check_pattern
from sequela.readers._wfdb_header import parse
from sequela.readers._wfdb_marks import age_and_sex, delineated, marks, quiet
from sequela.readers._wfdb_segments import GAP, opened
from sequela.readers._wfdb_signal import Signal, by_rate, check, units
from sequela.store.channels import places
from sequela.types import Array, Payload

VERSION = 2


class Config(Strict, frozen=True):
    annotators: Annotated[tuple[str, ...], Meta(min_length=1)] = ("atr",)  # endings of annotation files, read where they exist
    waves: tuple[str, ...] = ()  # endings of annotation files that say where waves begin and end: LABEL//wave, which lasts
    subject_pattern: str = ""  # a regular expression whose first group finds the subject in a record's path; left out: its name
    same: tuple[tuple[str, ...], ...] = ()  # records (or subjects) that are one person, named as the first of them
    leads: tuple[str, ...] = ()  # channels kept, in order, each a name or alternatives "V1|V2"; left out: all as they come
    checksums: bool = True  # a record whose samples do not add up to its header's checksums is refused
    detect: Detect = False  # heartbeats are found in the ECG leads, or in the channels named here, where none is annotated
    intervals: bool = False  # RR and HEART_RATE at each beat


@dataclass(frozen=True, slots=True)
class WfdbReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every record; one whose files are missing, cut short or wrong is refused by its name.

        Raises DataError where the source has no .hea file, MissingExtra where wfdb is not installed.
        """
        with quiet():
            wfdb = extras.need("wfdb", "wfdb")
        headers = [name for name in source.files() if name.endswith(".hea")]
        if not headers:
            raise DataError(f"{source.name} has no .hea file", hint="the reader wfdb takes a folder of WFDB records")
        of_segments = {header: segments for header in headers if (segments := _segments(source, header))}
        parts = {segment for segments in of_segments.values() for segment in segments} - of_segments.keys()
        headers = [header for header in headers if header not in parts]
        writer = Writer(sink, Beats(self.config.detect, self.config.intervals))
        shared = _shared_names(headers)
        for i, header in enumerate(headers):
            name = header.removesuffix(".hea")
            try:
                subject = self._subject(name, alone=PurePosixPath(name).name not in shared)
                writer.write(self._recording(wfdb, source.path(header), name, subject))
            except DataError as error:
                sink.refuse(name, error.message)
            sink.progress(i + 1, len(headers))

    def _recording(self, wfdb: ModuleType, path: Path, name: str, subject: str) -> Recording:
        """The record of a header, every sample of it checked and none held. Raises DataError where it cannot be used."""
        record = opened(path)
        names = channel_names([channel.name for channel in record.channels])
        kept = _kept(names, self.config.leads)
        check(record, kept, checksums=self.config.checksums)
        age, sex = age_and_sex(record.comments)
        told = dict(zip(kept, units(record, kept), strict=True))
        return Recording(
            name=name,
            subject=subject,
            signals=tuple(_payload(signal, names, told) for signal in by_rate(record, kept)),
            start=record.start,
            annotations=joined(
                [
                    marks(wfdb, path, self.config.annotators, record.rate_hz),
                    delineated(wfdb, path, self.config.waves, record.rate_hz),
                ]
            ),
            age=age,
            sex=sex,
        )

    def _subject(self, name: str, *, alone: bool) -> str:
        """Whose a record is: by the pattern, else itself, called by its name where no record in another folder has it."""
        pattern = self.config.subject_pattern
        return Subjects(pattern, self.config.same).of(name if pattern or not alone else PurePosixPath(name).name)


def _shared_names(headers: Sequence[str]) -> set[str]:
    """Names that records in several folders have."""
    count = Counter(PurePosixPath(header).name.removesuffix(".hea") for header in headers)
    return {name for name, times in count.items() if times > 1}


def _segments(source: Source, header: str) -> list[str]:
    """Headers of the records that a header of several segments joins: they are read through it, not for themselves."""
    try:
        found = parse(source.read(header)).segments
    except DataError:  # it is refused with its reason when its turn comes
        return []
    folder = PurePosixPath(header).parent
    return [str(folder / f"{name}.hea") for name, _ in found if name != GAP]


def _kept(names: Sequence[str], leads: Sequence[str]) -> list[int]:
    """The channels that are stored, in order. Raises DataError where there is none of the leads asked for."""
    kept = [place for place in places(names, leads) if place is not None] if leads else list(range(len(names)))
    if not kept:
        raise DataError(f"it has none of the leads asked for, but {', '.join(names)}")
    return kept


def _payload(signal: Signal, names: Sequence[str], told: dict[int, str]) -> Payload:
    rate_hz = signal.record.rate_hz * signal.per_frame
    values = cast(Array, signal)  # read as it is written: store.pieces
    return Payload(values, rate_hz, tuple(names[i] for i in signal.which), joined_units([told[i] for i in signal.which]))


def build(config: Config) -> WfdbReader:
    """Raises ConfigError where subject_pattern is not a regular expression with a group."""
    check_pattern("subject_pattern", config.subject_pattern, r"^(p\d+)_")
    return WfdbReader(config)
