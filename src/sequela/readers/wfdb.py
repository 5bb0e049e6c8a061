"""Waveform records in the WFDB format of PhysioNet, with their annotations: any record set that the package wfdb reads.

A record becomes a payload (C, L) of float32 in physical units (volts of any scale as mV) and the events

    WAVEFORM                 the payload, at the record's first sample
    RECORD//START, //END     its first sample, and one past its last
    BEAT                     at each annotated beat, without its label
    LABEL//beat              at the same time: the beat's symbol
    LABEL//rhythm            at each change of rhythm: its text, such as "(AFIB"
    ANNOTATION//<symbol>     at every other annotation (a label too: it is a reader's mark, not a measurement)
    AGE, SEX                 without time, where the header's comments say them

WFDB times have no zone, so they count as relative: a record begins at its header's date and time where it has both, else on
2000-01-01, and several records of one subject without dates follow each other. Symbols and beats:
https://physionet.org/physiotools/wpg/wpg_36.htm (annotation codes).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Annotated, Any

import numpy as np
import polars as pl
from msgspec import Meta

from sequela import extras
from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers._samples import Clock
from sequela.store.channels import places
from sequela.types import Array, Payload

VERSION = 1
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")  # the symbols that mark a QRS complex
MILLIVOLTS: Mapping[str, float] = {"mv": 1.0, "v": 1e3, "uv": 1e-3, "µv": 1e-3, "nv": 1e-6}
BYTES: Mapping[str, float] = {
    "8": 1,
    "80": 1,
    "16": 2,
    "61": 2,
    "160": 2,
    "24": 3,
    "32": 4,
    "212": 1.5,
}  # a sample, by storage format
KINDS: Mapping[str, tuple[str, str]] = {
    "WAVEFORM": ("payload", "A recorded waveform"),
    "RECORD//START": ("event", "The first sample of a record"),
    "RECORD//END": ("event", "One past the last sample of a record"),
    "BEAT": ("event", "An annotated heartbeat"),
    "LABEL//beat": ("label", "The symbol of a heartbeat"),
    "LABEL//rhythm": ("label", "The rhythm from here on"),
}
MARK = "ANNOTATION//"
AGE = re.compile(r"\bage\W*?(\d{1,3})\b", re.IGNORECASE)
SEX = re.compile(r"\b(?:sex|gender)\W*?([MF])(?:ale|emale)?\b", re.IGNORECASE)
MIT_AGE_SEX = re.compile(r"^\s*(-?\d{1,3})\s+([MF?])\b")  # the first comment of the MIT-BIH records: "69 M 1085 1629 x1"
STEP = {"time": pl.Datetime("us"), "code": pl.String(), "text_value": pl.String()}


class Config(Strict, frozen=True):
    annotators: Annotated[tuple[str, ...], Meta(min_length=1)] = ("atr",)  # endings of annotation files, read where they exist
    subject_pattern: str = ""  # a regular expression whose first group finds the subject in a record's name; left out: the name
    same: tuple[tuple[str, ...], ...] = ()  # records (or subjects) that are one person, named as the first of them
    leads: tuple[str, ...] = ()  # channels kept, in order, each a name or alternatives "V1|V2"; left out: all as they come


@dataclass(frozen=True, slots=True)
class Marks:
    """Annotations of a record, in the order of their samples."""

    sample: Array  # int64 "E"
    symbol: Array  # str "E"
    text: Array  # str "E", "" where there is none


@dataclass(frozen=True, slots=True)
class Record:
    """What one record says, read whole before any of it is written."""

    name: str
    payload: Payload
    rate_hz: float
    start: datetime | None  # None where its header has no date
    marks: Marks
    comments: tuple[str, ...]

    @property
    def length(self) -> int:
        return int(self.payload.values.shape[1])

    def times(self, start: datetime, samples: Array) -> Array:
        """datetime64[us] of these samples."""
        return np.datetime64(start, "us") + np.round(samples / self.rate_hz * 1e6).astype("timedelta64[us]")


@dataclass(frozen=True, slots=True)
class WfdbReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every record; one whose files are missing, cut short or wrong is refused by its name.

        Raises DataError where the source has no .hea file, MissingExtra where wfdb is not installed.
        """
        with _quiet():
            wfdb = extras.need("wfdb", "wfdb")
        headers = [name for name in source.files() if name.endswith(".hea")]
        if not headers:
            raise DataError(f"{source.name} has no .hea file", hint="the reader wfdb takes a folder of WFDB records")
        segments = {segment for header in headers for segment in _segments(source.read(header))}
        headers = [header for header in headers if PurePosixPath(header).stem not in segments]
        writer = _Writer(self.config, sink, Clock(), set())
        for i, header in enumerate(headers):
            name = header.removesuffix(".hea")
            try:
                record = _record(wfdb, source.path(header), name, self.config)
                subject = self._subject(PurePosixPath(name).name)
            except DataError as error:
                sink.refuse(name, error.message)
            else:
                writer.write(record, subject)
            sink.progress(i + 1, len(headers))

    def _subject(self, record: str) -> str:
        found = re.search(self.config.subject_pattern, record) if self.config.subject_pattern else None
        if self.config.subject_pattern and found is None:
            raise DataError("its name does not match subject_pattern")
        subject = found[1] if found else record
        return next((names[0] for names in self.config.same if record in names or subject in names), subject)


def _segments(header: bytes) -> list[str]:
    """Names of the records that a header of several segments joins: they are read through it, not for themselves."""
    lines = [line.split() for line in header.decode("latin-1").splitlines() if line.strip() and not line.startswith("#")]
    if not lines or "/" not in lines[0][0]:
        return []
    return [line[0] for line in lines[1:]]


def _record(wfdb: ModuleType, path: Path, name: str, config: Config) -> Record:
    """Raises DataError with the reason why the record cannot be used."""
    stem = str(path.with_suffix(""))
    header = _loaded("header", lambda: wfdb.rdheader(stem))
    if not header.n_sig or not header.fs or header.fs <= 0:
        raise DataError("its header names no signal or no sampling rate")
    _check_sizes(header, path.parent)
    signal = _loaded("signals", lambda: wfdb.rdrecord(stem))
    if not signal.sig_len:
        raise DataError("it holds no sample")
    marks = [_marks(wfdb, path.with_suffix(f".{ending}"), float(header.fs)) for ending in config.annotators]
    payload = _payload(signal, config.leads)
    comments = tuple(str(comment) for comment in header.comments or ())
    return Record(name, payload, float(header.fs), header.base_datetime, _joined([m for m in marks if m is not None]), comments)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warning that wfdb 4.3, on import and on reading annotations, calls pandas as pandas 3 deprecates."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The inplace keyword")
        yield


def _loaded(what: str, load: Callable[[], Any]) -> Any:
    """What `load` gives; whatever it raises is the reason to refuse the record."""
    try:
        with _quiet():
            return load()
    except FileNotFoundError as error:
        raise DataError(f"its {what} cannot be read: {Path(error.filename or '').name} is missing") from error
    except Exception as error:  # wfdb fails on a bad record in many ways, and one bad record never stops an import
        raise DataError(f"its {what} cannot be read ({type(error).__name__})") from error


def _check_sizes(header: Any, folder: Path) -> None:
    """Refuses a signal file that is shorter than its header says."""
    if getattr(header, "n_seg", 1) != 1 or not header.sig_len:
        return
    for name in sorted(set(header.file_name)):
        signals = [i for i, file in enumerate(header.file_name) if file == name]
        if not (folder / name).is_file() or any(header.fmt[i] not in BYTES for i in signals):
            continue
        frame = sum(BYTES[header.fmt[i]] * (header.samps_per_frame[i] or 1) for i in signals)
        promised = int(header.sig_len * frame) + (header.byte_offset[signals[0]] or 0)
        found = (folder / name).stat().st_size
        if found < promised:
            raise DataError(f"its signal file is cut short: {found} bytes of {promised}")


def _payload(signal: Any, leads: Sequence[str]) -> Payload:
    names = [str(name or f"channel_{i}") for i, name in enumerate(signal.sig_name)]
    kept = [place for place in places(names, leads) if place is not None] if leads else list(range(len(names)))
    if not kept:
        raise DataError(f"it has none of the leads asked for, but {', '.join(names)}")
    scale = np.array([MILLIVOLTS.get(str(signal.units[i]).lower(), 1.0) for i in kept])
    units = ["mV" if str(signal.units[i]).lower() in MILLIVOLTS else str(signal.units[i]) for i in kept]
    values = np.ascontiguousarray((signal.p_signal[:, kept] * scale).T, np.float32)
    unit = units[0] if len(set(units)) == 1 else ",".join(units)
    return Payload(values, float(signal.fs), tuple(names[i] for i in kept), unit)


def _marks(wfdb: ModuleType, path: Path, rate_hz: float) -> Marks | None:
    """The annotations of a file, at samples of the record; None where there is no such file."""
    if not path.is_file():
        return None
    if not path.read_bytes().endswith(b"\0\0"):  # the format's own end
        raise DataError(f"its annotations ({path.suffix}) are cut short or of another format")
    found = _loaded("annotations", lambda: wfdb.rdann(str(path.with_suffix("")), path.suffix[1:]))
    sample = np.asarray(found.sample, np.float64) * (rate_hz / (found.fs or rate_hz))
    text = [str(note).rstrip("\0").strip() for note in found.aux_note]
    return Marks(np.round(sample).astype(np.int64), np.asarray(found.symbol, np.str_), np.asarray(text, np.str_))


def _joined(marks: Sequence[Marks]) -> Marks:
    if not marks:
        return Marks(np.zeros(0, np.int64), np.zeros(0, np.str_), np.zeros(0, np.str_))
    sample, symbol, text = (np.concatenate([getattr(m, name) for m in marks]) for name in ("sample", "symbol", "text"))
    order = np.argsort(sample, kind="stable")
    return Marks(sample[order], symbol[order], text[order])


@dataclass(frozen=True, slots=True)
class _Writer:
    config: Config
    sink: Sink
    clock: Clock
    described: set[str]  # subjects whose age and sex are written

    def write(self, record: Record, subject: str) -> None:
        for code, (kind, description) in KINDS.items():
            self.sink.code(code, kind, description=description)
        start = record.start or self._relative_start(record, subject)
        uri = self.sink.payload(record.name, record.payload)
        frames = [self._ends(record, start, uri), *self._annotations(record, start), *self._person(record, subject)]
        self.sink.events(pl.concat(frames, how="diagonal").with_columns(pl.lit(subject).alias("source_id")))
        self.sink.accept()

    def _relative_start(self, record: Record, subject: str) -> datetime:
        self.sink.relative_times()
        return self.clock.start(subject, record.length / record.rate_hz)

    def _ends(self, record: Record, start: datetime, uri: str) -> pl.DataFrame:
        times = record.times(start, np.array([0, 0, record.length]))
        columns = {"time": times, "code": ["RECORD//START", "WAVEFORM", "RECORD//END"], "payload": [None, uri, None]}
        return pl.DataFrame(columns, schema_overrides={"payload": pl.String()})

    def _annotations(self, record: Record, start: datetime) -> Iterator[pl.DataFrame]:
        marks = record.marks
        inside = (marks.sample >= 0) & (marks.sample < record.length)
        if not inside.all():
            self.sink.note("annotations outside their record, left out", int((~inside).sum()))
        beat = inside & np.isin(marks.symbol, list(BEATS))
        rhythm = inside & (marks.symbol == "+") & (marks.text != "")
        other = inside & ~beat & ~rhythm
        times = record.times(start, marks.sample)
        codes = np.char.add(MARK, marks.symbol)
        for code in np.unique(codes[other]):
            self.sink.code(str(code), "label", description="An annotation of the record")
        yield _events(times[beat], "BEAT", None)
        yield _events(times[beat], "LABEL//beat", marks.symbol[beat])
        yield _events(times[rhythm], "LABEL//rhythm", marks.text[rhythm])
        yield _events(times[other], codes[other], None)

    def _person(self, record: Record, subject: str) -> Iterator[pl.DataFrame]:
        """AGE and SEX, once a subject, where the comments say them."""
        age, sex = age_and_sex(record.comments)
        if subject in self.described:
            return
        self.described.add(subject)
        if age is not None:
            self.sink.code("AGE", "static", unit="years")
            yield pl.DataFrame({"code": ["AGE"], "numeric_value": pl.Series([age], dtype=pl.Float32)})
        if sex is not None:
            self.sink.code("SEX", "static")
            yield pl.DataFrame({"code": ["SEX"], "text_value": [sex]})


def _events(times: Array, code: str | Array, text: Array | None) -> pl.DataFrame:
    codes = np.full(len(times), code) if isinstance(code, str) else code
    columns = {"time": times, "code": codes.tolist(), "text_value": [None] * len(times) if text is None else text.tolist()}
    return pl.DataFrame(columns, schema_overrides=STEP)


def age_and_sex(comments: Sequence[str]) -> tuple[float | None, str | None]:
    """What a header's comments say of age in years and of sex, M or F; None where they do not.

    >>> age_and_sex(["69 M 1085 1629 x1"]), age_and_sex(["Age: 81", "Sex: female"]), age_and_sex(["-1 M"])
    ((69.0, 'M'), (81.0, 'F'), (None, 'M'))
    """
    first = MIT_AGE_SEX.match(comments[0]) if comments else None
    if first:
        years = float(first[1])
        return years if years >= 0 else None, first[2] if first[2] in "MF" else None
    text = "\n".join(comments)
    age, sex = AGE.search(text), SEX.search(text)
    return float(age[1]) if age else None, sex[1].upper() if sex else None


def build(config: Config) -> WfdbReader:
    """Raises ConfigError where subject_pattern is not a regular expression with a group."""
    try:
        groups = re.compile(config.subject_pattern).groups
    except re.error as error:
        raise ConfigError(f"subject_pattern is not a regular expression: {error}") from error
    if config.subject_pattern and not groups:
        raise ConfigError("subject_pattern has no group", hint=r"put the subject in brackets: ^(p\d+)_")
    return WfdbReader(config)
