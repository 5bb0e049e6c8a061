"""A recording in a file, read by a reader as an import would, but kept where it lies: nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from sequela.contracts import Reader, Source
from sequela.errors import DataError, UsageError
from sequela.monitoring.held import SCHEMA
from sequela.monitoring.recording import Recording, of_events
from sequela.registry import nearest
from sequela.store.source import open_source
from sequela.store.store import Store
from sequela.study.records import HIDDEN
from sequela.types import Payload

SHOWN = 8  # names in an error


@dataclass
class One:
    """The files of one record: those that are called NAME, whatever their ending; the others lie beside them unseen."""

    name: str  # of the folder
    source: Source
    stem: str

    def files(self, pattern: str = "**") -> Sequence[str]:
        return [name for name in self.source.files(pattern) if PurePosixPath(name).name.split(".")[0] == self.stem]

    def read(self, name: str) -> bytes:
        return self.source.read(name)

    def path(self, name: str) -> Path:
        return self.source.path(name)


@dataclass
class Capture:
    """A Sink that keeps what a reader gives: payloads unread, events by subject."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    payloads: dict[str, Payload] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def events(self, frame: pl.DataFrame) -> None:
        """Keeps events, of whatever columns."""
        given = {name: pl.col(name) for name in frame.columns}
        names = ("source_id", *(name for name in SCHEMA if name != "subject_id"))
        kinds = {"source_id": pl.String(), **SCHEMA}
        self.frames.append(frame.select(given.get(name, pl.lit(None)).cast(kinds[name]).alias(name) for name in names))

    def payload(self, name: str, payload: Payload) -> str:
        """The name, by which the payload is kept."""
        self.payloads[name] = payload
        return name

    def code(self, code: str, kind: str, *, unit: str = "", description: str = "", parents: Sequence[str] = ()) -> None:
        self.kinds[code] = kind

    def refuse(self, record: str, reason: str) -> None:
        self.refused[record] = reason

    def part(self, source_id: str, part: str) -> None:
        """A monitor knows no parts."""

    def relative_times(self) -> None:
        """All times of a monitor count from the first sample."""

    def accept(self, count: int = 1) -> None: ...

    def note(self, text: str, count: int) -> None: ...

    def progress(self, done: int, total: int) -> None: ...


def from_file(reader: Reader, path: Path, record: str = "") -> Recording:
    """The recording in a file, or the one called `record` in a folder or archive.

    Raises DataError with the reader's reason where it cannot be read, UsageError where there are several and none is named.
    """
    source, stem = _source(path, record)
    one: Source = One(source.name, source, stem) if stem else source
    capture = Capture()
    reader.read(one, capture)
    if not capture.frames:
        name, reason = next(iter(capture.refused.items()), (path.name, "there is no record in it"))
        raise DataError(f"{name} cannot be read: {reason}", hint="--reader NAME, where it is of another format")
    events = pl.concat(capture.frames)
    subject = _chosen(events["source_id"].unique(maintain_order=True).to_list(), record if not stem else "")
    return _unlabelled(subject, events.filter(pl.col("source_id") == subject), capture.kinds, capture.payloads)


def from_store(store: Store, record: str = "") -> Recording:
    """The recording of a subject of a store, its signals as memory maps. Raises UsageError as `from_file` does."""
    subject = _chosen(store.subjects["source_id"].to_list(), record)
    number = store.subjects.filter(pl.col("source_id") == subject)["subject_id"].to_list()
    events = store.events(None, number)
    uris = events["payload"].drop_nulls().unique().to_list()
    return _unlabelled(subject, events, store.kinds, {uri: store.payloads.open(uri) for uri in uris})


def _source(path: Path, record: str) -> tuple[Source, str]:
    """Where the files are, and the name of the one record that is meant; "" where that is still to be found out."""
    if path.is_dir() or path.name.endswith((".zip", ".tar", ".gz", ".xz", ".bz2", ".tgz")):
        source = open_source(path)
        stems = {PurePosixPath(name).name.split(".")[0] for name in source.files()}
        return source, record if record in stems else ""
    if path.is_file():
        return open_source(path.parent), path.name.split(".")[0]
    if any(path.parent.glob(f"{path.name}.*")):  # a WFDB record, named without an ending
        return open_source(path.parent), path.name
    raise DataError(f"there is nothing at {path}")


def _chosen(names: Sequence[str], record: str) -> str:
    if record and record not in names:
        raise UsageError(f"there is no record {record!r}", hint=nearest(record, list(names)))
    if not record and len(names) != 1:
        shown = ", ".join(sorted(names)[:SHOWN]) + (", …" if len(names) > SHOWN else "")
        raise UsageError(f"there are {len(names)} records, and a monitor follows one: {shown}", hint="--record NAME")
    return record or names[0]


def _unlabelled(subject: str, events: pl.DataFrame, kinds: Mapping[str, str], payloads: Mapping[str, Payload]) -> Recording:
    """Without what nobody knows while a recording runs: labels, outcomes, scores."""
    known = {code: kind for code, kind in kinds.items() if kind not in HIDDEN}
    return of_events(subject, events.filter(pl.col("code").is_in(list(known))), known, payloads)
