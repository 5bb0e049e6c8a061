"""EDF, EDF+, BDF and BDF+: polysomnographies, EEG, ECG and any other signals, with their annotations.

Written as by every reader of signals (_signals.py): WAVEFORM for the rate that most channels have, WAVEFORM//<rate>HZ for others
(nothing is resampled), RECORD//START, RECORD//END, and

    ANNOTATION//<text>  an annotation, its duration in seconds as the value
    LABEL//<column>     one that `labels` gathers: labels = { stage = "Sleep stage *" } makes of "Sleep stage N2" a LABEL//stage
                        with the text N2; with epoch = "30s" once each 30 s of its duration
    SEX, AGE            where an EDF+ header says them in its own words: M or F, and the date of birth

A file that was interrupted (EDF+D) holds NaN, not seen, where the interruption lasts up to `longest_gap`; a longer one begins the
next recording (`name#2`), at its own time. Where an interruption is no whole number of samples, what follows lies at the nearest
one. A file of annotations alone (a hypnogram beside its polysomnography) adds them to its subject at their own times.

A channel whose samples cannot be scaled is left out and counted. Data records are read through a memory map, piece by piece.
Times are those of the recorder's clock, without a zone, so they count as relative. Sources: see _edf_header.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np
from msgspec import Meta

from sequela.config import Duration, Strict, microseconds
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _edf_file, _edf_labels, _subjects
from sequela.readers._beats import Beats, Detect
from sequela.readers._channel_names import channel_names, joined_units, standard_unit
from sequela.readers._edf_annotations import Annotation
from sequela.readers._edf_file import CutShort, EdfFile, extremes
from sequela.readers._edf_header import Signal
from sequela.readers._edf_person import person
from sequela.readers._edf_runs import recordings
from sequela.readers._edf_samples import Run, Samples, pieces
from sequela.readers._signals import Recording, Writer
from sequela.readers._subjects import Subjects
from sequela.store.channels import places
from sequela.types import Array, Payload

VERSION = 1
ENDINGS = (".edf", ".bdf", ".rec")
FASTEST_HZ = 1e6  # beyond which a rate is damage, and a gap of seconds would fill a disk
LARGEST = float(np.finfo(np.float32).max)


class Config(Strict, frozen=True):
    subject: Literal["path", "header"] = "path"  # what says whose a file is: its path without ending, or the code in its header
    subject_pattern: str = ""  # a regular expression whose first group finds the subject in either; left out: all of it
    same: tuple[tuple[str, ...], ...] = ()  # files (or subjects) that are one person, named as the first of them
    channels: tuple[str, ...] = ()  # those kept, in order, each a name or alternatives "V1|V2"; left out: all
    labels: Mapping[str, Annotated[str, Meta(min_length=1)]] = {}  # column -> text: "Sleep stage *", "Apnea|Hypopnea"
    epoch: Annotated[str, Meta(pattern=r"^(\d+(\.\d+)?(ms|s|min))?$")] = ""  # how often a label with a duration is written
    detect: Detect = False  # heartbeats are found in the ECG leads, or in the channels named here
    intervals: bool = False  # RR and HEART_RATE at each beat
    longest_gap: Duration = "60s"  # an interruption that is still of one recording
    cut_short: CutShort = "refuse"  # a file that ends before its header says is refused, or its whole data records are kept


@dataclass(frozen=True, slots=True)
class EdfReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every file; one that is damaged, cut short or holds nothing is refused by its name.

        Raises DataError where the source has no such file.
        """
        files = [name for name in source.files() if name.lower().endswith(ENDINGS)]
        if not files:
            raise DataError(f"{source.name} has no .edf or .bdf file", hint="the reader edf takes a folder, an archive or a file")
        importing = _Importing(self.config, sink, Writer(sink, Beats(self.config.detect, self.config.intervals)))
        for done, (file, name) in enumerate(_subjects.names(files).items(), 1):
            try:
                importing.take(source.path(file), name)
            except DataError as error:
                sink.refuse(file, error.message)
            sink.progress(done, len(files))


@dataclass(frozen=True)
class _Importing:
    """Writes the recordings of files, and counts those that lie over another of their subject."""

    config: Config
    sink: Sink
    writer: Writer
    spans: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)

    def take(self, path: Path, name: str) -> None:
        """Writes a file. Raises DataError, before anything of it is written, where it cannot be used."""
        file = _edf_file.read(path, self.config.cut_short, self.sink)
        subject = self._subject(file, name)
        self.sink.relative_times()
        if not file.signals:
            self._annotations_alone(file, subject)
            return
        for recording in self._recordings(file, name, subject):
            self._overlap(recording)
            self.writer.write(recording)

    def _subject(self, file: EdfFile, name: str) -> str:
        told = name if self.config.subject == "path" else person(file.header).code
        if not told:
            raise DataError("its header does not name its patient, and subject = 'header' asks for it")
        return Subjects(self.config.subject_pattern, self.config.same).of(told)

    def _annotations_alone(self, file: EdfFile, subject: str) -> None:
        if file.header.start is None:
            raise DataError("it holds annotations alone, and no date that says of which recording")
        found = _edf_labels.annotated(file.annotations.found, 0.0, *self._labels)
        self.writer.annotate(subject, file.header.start, found)

    def _recordings(self, file: EdfFile, name: str, subject: str) -> list[Recording]:
        channels, who = _channels(file, self.config.channels, self.sink), person(file.header)
        found = list(recordings(file.runs, file.header.duration, microseconds(self.config.longest_gap) / 1e6))
        spans = [(runs[0].begin, runs[-1].end(file.header.duration)) for runs in found]
        start = file.header.start or self.writer.clock.start(subject, spans[-1][1])
        marks = _shared_out(file.annotations.found, spans, self.sink)
        return [
            Recording(
                name=name if not number else f"{name}#{number + 1}",
                subject=subject,
                signals=tuple(_payloads(file, channels, runs)),
                start=start + timedelta(seconds=begin),
                annotations=_edf_labels.annotated(marks[number], begin, *self._labels),
                age=who.age(file.header.start),
                sex=who.sex or None,
            )
            for number, (runs, (begin, _)) in enumerate(zip(found, spans, strict=True))
        ]

    @property
    def _labels(self) -> tuple[_edf_labels.Patterns, float]:
        return _edf_labels.patterns(self.config.labels), microseconds(self.config.epoch or "0s") / 1e6

    def _overlap(self, recording: Recording) -> None:
        assert recording.start is not None
        begin, end = recording.start, recording.start + timedelta(seconds=recording.seconds)
        others = self.spans.setdefault(recording.subject, [])
        if any(begin < until and since < end for since, until in others):
            self.sink.note("recordings that lie over another of their subject in time", 1)
        others.append((begin, end))


@dataclass(frozen=True, slots=True)
class _Channel:
    """A signal that is kept."""

    signal: Signal
    name: str
    factor: float  # to the unit of the store
    unit: str


def _channels(file: EdfFile, wanted: Sequence[str], sink: Sink) -> list[_Channel]:
    """Raises DataError where none of the channels asked for is there, or none has samples that mean something."""
    usable: list[Signal] = []
    for signal in file.signals:
        fault = _fault(signal, file)
        if fault:
            sink.note(f"channels {fault}, left out", 1)
        else:
            usable.append(signal)
    if not usable:
        raise DataError("it has no channel whose samples can be scaled")
    given = [signal.name for signal in usable]
    names = channel_names(given)
    kept = [place for place in places(given, wanted) if place is not None] if wanted else range(len(given))
    if not kept:
        raise DataError(f"it has none of the channels asked for, but {', '.join(names)}")
    return [_Channel(usable[place], names[place], *standard_unit(usable[place].unit)) for place in kept]


def _fault(signal: Signal, file: EdfFile) -> str:
    """Why a channel is left out; "" where it is not."""
    if signal.fault:
        return signal.fault
    if signal.samples / file.header.duration > FASTEST_HZ:
        return f"of more than {FASTEST_HZ:g} samples a second"
    return "of values beyond 32 bits" if extremes(signal, file.header.width) > LARGEST else ""


def _payloads(file: EdfFile, channels: Sequence[_Channel], runs: Sequence[Run]) -> Iterator[Payload]:
    """The channels of each rate, in the order in which the file has the first of it."""
    for each in dict.fromkeys(channel.signal.samples for channel in channels):
        alike = [channel for channel in channels if channel.signal.samples == each]
        rate_hz = each / file.header.duration
        samples = Samples(
            file.records,
            tuple(channel.signal for channel in alike),
            tuple(channel.factor for channel in alike),
            file.header.width,
            pieces(runs, rate_hz),
        )
        unit = joined_units([channel.unit for channel in alike])
        yield Payload(cast(Array, samples), rate_hz, tuple(channel.name for channel in alike), unit)


def _shared_out(found: Sequence[Annotation], spans: Sequence[tuple[float, float]], sink: Sink) -> list[list[Annotation]]:
    """The annotations that begin within each recording; the others are counted."""
    shared = [[one for one in found if begin <= one.onset < end] for begin, end in spans]
    outside = len(found) - sum(map(len, shared))
    if outside:
        sink.note("annotations outside their record, left out", outside)
    return shared


def build(config: Config) -> EdfReader:
    """Raises ConfigError for a subject_pattern without a group, a negative gap, or an epoch of nothing."""
    _subjects.check("subject_pattern", config.subject_pattern, r"^(SC4\d\d)")
    if microseconds(config.longest_gap) < 0:
        raise ConfigError(f"longest_gap is {config.longest_gap}", hint='write it as "60s"; "0s" makes a recording of each run')
    if config.epoch and not microseconds(config.epoch):
        raise ConfigError(f"epoch is {config.epoch}", hint='write it as "30s"')
    return EdfReader(config)
