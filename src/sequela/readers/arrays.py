"""Signals as plain arrays: text and CSV (a column a channel, or one number a line), NPY, NPZ and HDF5.

A file is a recording, and so is each array of an NPZ or HDF5 file that `dataset` names. Written as by every reader of signals
(_signals.py): WAVEFORM, RECORD//START, RECORD//END from 2000-01-01 on, several recordings of a subject one after another, and

    LABEL//<name>       what a named group of `path`, or a column of `table`, says: without time where each recording is a subject
                        of its own, else at its first sample

An empty cell and NaN are samples that nobody saw. Text and NPZ are in memory while they are read, a recording at a time; NPY and
HDF5 never are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, cast

import numpy as np
from msgspec import Meta

from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _label_table, _subjects
from sequela.readers._array_files import READ, TEXTS, Axis, Inside, Signals, signals
from sequela.readers._beats import Beats, Detect
from sequela.readers._channel_names import channel_names, standard_unit
from sequela.readers._label_table import Line, Table
from sequela.readers._picture_events import write_labels, write_parts
from sequela.readers._picture_list import Entry, stem
from sequela.readers._signals import Recording, Writer, annotated
from sequela.readers._subjects import Subjects
from sequela.store.channels import places
from sequela.types import Array, Payload

VERSION = 1


class Config(Strict, frozen=True):
    rate_hz: Annotated[float, Meta(gt=0, le=1e6)]  # samples a second
    unit: str = ""  # of the samples
    channels: tuple[str, ...] = ()  # where the file names its columns those kept, each a name or "V1|V2"; else names of all
    channel_axis: Axis = "last"  # of an array of two axes in NPY, NPZ or HDF5
    separator: str = ""  # of columns of text; left out: tab, semicolon, comma or blanks, as the first line has them
    files: str = "**"  # a pattern of the files that are read, such as "eeg/*.csv"
    dataset: str = "*"  # a pattern of the arrays in NPZ and HDF5 that are, such as "*/ecg"
    subject_pattern: str = ""  # a regular expression whose first group finds the subject in the path; left out: each its own
    same: tuple[tuple[str, ...], ...] = ()  # recordings (or subjects) that are one person, named as the first of them
    detect: Detect = False  # heartbeats are found in the ECG leads, or in the channels named here
    intervals: bool = False  # RR and HEART_RATE at each beat
    path: str = ""  # a regular expression whose named groups find labels in the path: "_(?P<set>[ZONFS])/"
    table: str = ""  # a CSV file in the source, one line a recording
    record: str = "record"  # columns of it: a file, with or without its ending
    subject: str = "subject"
    part: str = "part"
    labels: tuple[str, ...] | None = None  # left out: "label" if there is one


@dataclass(frozen=True, slots=True)
class ArraysReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every recording; a file or array that cannot be used is refused by its name.

        Raises DataError where the source has no such file, MissingExtra for an HDF5 file where h5py is not installed.
        """
        files = [name for name in source.files(self.config.files) if _is_array(name) and name != self.config.table]
        if not files:
            raise DataError(
                f"{source.name} has no file of signals", hint=f"the reader arrays takes files that end on {', '.join(READ)}"
            )
        writer = Writer(sink, Beats(self.config.detect, self.config.intervals))
        importing = _Importing(self.config, sink, _told(self.config, source, sink, files), writer, _subjects.names(files))
        for done, file in enumerate(files, 1):
            for record, reason in importing.refused(source, file):
                sink.refuse(record, reason)
            sink.progress(done, len(files))
        importing.close()


@dataclass(frozen=True, slots=True)
class _Told:
    """What a table says, by the file that a line speaks of."""

    table: Table
    lines: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class _Importing:
    """Writes recordings as they are read, labels without time when all are."""

    config: Config
    sink: Sink
    told: _Told | None
    writer: Writer
    names: Mapping[str, str]  # file -> what its recording is called
    written: list[Entry] = field(default_factory=list)

    @property
    def own(self) -> bool:
        """Whether each recording is a subject of its own, which the options alone say."""
        listed = self.told is not None and any(line.subject for line in self.told.lines.values())
        return not (self.config.subject_pattern or self.config.same or listed)

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the labels."""
        return (*re.compile(self.config.path).groupindex, *(self.told.table.labels if self.told else ()))

    def refused(self, source: Source, file: str) -> Iterator[tuple[str, str]]:
        """Writes the recordings of a file, and gives those that it cannot, with the reason."""
        inside = Inside(self.config.dataset, self.config.channel_axis, self.config.separator)
        try:
            for found in signals(source.path(file), inside):
                yield from self._one(file, found)
        except DataError as error:
            yield file, error.message

    def _one(self, file: str, found: Signals | tuple[str, str]) -> Iterator[tuple[str, str]]:
        if not isinstance(found, Signals):
            yield f"{file}#{found[0]}", found[1]
            return
        try:
            self._write(file, f"#{found.inside}" if found.inside else "", found)
        except DataError as error:
            yield f"{file}#{found.inside}" if found.inside else file, error.message

    def _write(self, file: str, inside: str, found: Signals) -> None:
        if PurePosixPath(file.lower()).suffix not in TEXTS:  # whose columns are the channels
            _refuse_turned(found, self.config.channel_axis)
        entry = self._entry(file, inside)
        labels = {column: label for column, label in zip(self.columns, entry.labels, strict=True) if label and not self.own}
        marks = annotated(np.zeros(len(labels)), list(labels.values()), column=list(labels))
        self.writer.write(Recording(entry.file, entry.subject, (_payload(found, self.config),), None, marks))
        self.written.append(entry)

    def _entry(self, file: str, inside: str) -> Entry:
        """The recording, by its name, with all that is known of it. Raises DataError where its subject is not."""
        name = self.names[file] + inside
        line = self.told.lines.get(file) if self.told else None
        subject = line.subject if line and line.subject else Subjects(self.config.subject_pattern, self.config.same).of(name)
        found = re.search(self.config.path, file + inside)
        groups = re.compile(self.config.path).groupindex
        by_path = tuple((found[group] or "") if found else "" for group in groups)
        by_line = line.labels if line else ("",) * (len(self.columns) - len(by_path))
        if self.config.path and not found:
            self.sink.note("recordings in whose path `path` finds nothing, so unlabelled", 1)
        if self.told and not line:
            self.sink.note(_label_table.unlabelled(self.told.table), 1)
        return Entry(name, subject, line.part if line else "", (*by_path, *by_line))

    def close(self) -> None:
        """Writes what is not said at a time: labels of subjects, and their parts."""
        write_parts(self.sink, self.written)
        if self.own and self.written:
            write_labels(self.sink, self.written, self.columns)


def _is_array(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in READ


def _told(config: Config, source: Source, sink: Sink, files: Sequence[str]) -> _Told | None:
    """What the table says of these files, each of which may be named by its path or name, with its ending or without."""
    columns = _label_table.Columns({"recording": config.record}, config.subject, config.part, config.labels)
    table = _label_table.read(source, sink, config.table, columns)
    if table is None:
        return None
    known: dict[str, set[str]] = {}
    for file in files:
        for name in (file, stem(file), PurePosixPath(file).name, PurePosixPath(file).stem):
            known.setdefault(name, set()).add(file)
    if twice := set(table.labels) & set(re.compile(config.path).groupindex):
        raise ConfigError(f"both `path` and the table {table.file} give the label {min(twice)!r}")
    return _Told(table, _label_table.matched(table, known, sink))


def _refuse_turned(found: Signals, axis: Axis) -> None:
    """Raises DataError for an array of more channels than samples: its axes are the other way round."""
    samples = found.array.size // max(found.count, 1)
    if found.array.ndim == 2 and found.count > samples > 0:
        raise DataError(f"channel_axis = {axis!r} makes of it {found.count} channels of {samples} samples")


def _payload(found: Signals, config: Config) -> Payload:
    """Raises DataError where it has not the channels asked for, or what is no sample."""
    names = found.names or config.channels or tuple(f"channel_{i}" for i in range(found.count))
    if len(names) != found.count:
        raise DataError(f"it has {found.count} channels, and {len(names)} are named")
    wanted = places(names, config.channels) if found.names and config.channels else range(found.count)
    kept = tuple(place for place in wanted if place is not None)
    if not kept:
        raise DataError(f"it has none of the channels asked for, but {', '.join(names)}")
    factor, unit = standard_unit(config.unit)
    spelled = channel_names(names)
    return Payload(cast(Array, found.channels(kept, factor)), config.rate_hz, tuple(spelled[place] for place in kept), unit)


def build(config: Config) -> ArraysReader:
    """Raises ConfigError for a pattern that is none, or has no group, and for labels without a table."""
    _label_table.check(config.table, config.labels)
    _subjects.check("subject_pattern", config.subject_pattern, r"^(p\d+)_")
    _subjects.check("path", config.path, r"_(?P<set>[A-Z])/")
    expression = re.compile(config.path)
    if expression.groups > len(expression.groupindex):
        raise ConfigError("path has a group without a name", hint=r"name the label that it finds: (?P<set>[A-Z])")
    return ArraysReader(config)
