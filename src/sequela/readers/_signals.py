"""What the readers of signals share: a recording as any format gives it, and the one way it is written to a store.

A recording becomes a payload (C, L) of float32 for each rate that its channels have (nothing is resampled) and the events

    WAVEFORM                 the payload of the rate that most channels have, at the recording's first sample
    WAVEFORM//<rate>HZ       the payload of any other rate, at the same time: WAVEFORM//1HZ, WAVEFORM//0.5HZ
    RECORD//START, //END     the first sample, and one past the last (of the rate that lasts longest)
    BEAT                     at each annotated beat, without its label, or at each that is found (_beats.py)
    RR, HEART_RATE           where a reader is asked for them, at each beat that follows another (_beats.py)
    LABEL//<column>          at each annotation that says what something is: LABEL//beat, LABEL//rhythm, LABEL//stage
    ANNOTATION//<symbol>     at every other annotation, with its text and its duration in seconds as the value
    AGE, SEX                 without time, once a subject

A recording without a date begins at 2000-01-01, and several of one subject follow each other: its times count as relative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.readers._beats import Beats, rr
from sequela.readers._samples import Clock
from sequela.types import Array, Payload

BEAT = "beat"  # the column of heartbeats, which are events as well as labels
MARK = "ANNOTATION//"
CODES: Mapping[str, tuple[str, str]] = {
    "WAVEFORM": ("payload", "A recorded waveform"),
    "RECORD//START": ("event", "The first sample of a record"),
    "RECORD//END": ("event", "One past the last sample of a record"),
    "BEAT": ("event", "A heartbeat, annotated or found"),
    "LABEL//beat": ("label", "The symbol of a heartbeat"),
    "LABEL//rhythm": ("label", "The rhythm from here on"),
}
STEP = {"time": pl.Datetime("us"), "code": pl.String(), "text_value": pl.String(), "numeric_value": pl.Float32()}


@dataclass(frozen=True, slots=True)
class Annotations:
    """What someone wrote at E moments of a recording, in any order."""

    seconds: Array  # float64 "E", since the first sample
    column: Array  # str "E": what a label is of (LABEL//<column>), "" for a mark (ANNOTATION//<symbol>)
    symbol: Array  # str "E": the label, or what kind of mark
    text: Array  # str "E", what was written beside it, "" where nothing was
    duration: Array  # float64 "E" in seconds, NaN where there is none

    def __len__(self) -> int:
        return len(self.seconds)

    def take(self, which: Array) -> Annotations:
        """Those of these places, or where a mask is True."""
        return Annotations(*(getattr(self, name)[which] for name in self.__slots__))


def annotated(
    seconds: Array,
    symbol: Sequence[str] | Array,
    *,
    column: str | Sequence[str] = "",
    text: Sequence[str] | Array | None = None,
    duration: Array | None = None,
) -> Annotations:
    """Annotations from what a format says of them: one column for all or one each, no text, no duration where left out."""
    count = len(seconds)
    columns = [column] * count if isinstance(column, str) else list(column)
    return Annotations(
        np.asarray(seconds, np.float64),
        np.asarray(columns, np.str_),
        np.asarray(symbol, np.str_),
        np.asarray([""] * count if text is None else text, np.str_),
        np.full(count, np.nan) if duration is None else np.asarray(duration, np.float64),
    )


def joined(parts: Sequence[Annotations]) -> Annotations:
    """All of them, in the order of time; those of one time in the order given."""
    if not parts:
        return annotated(np.zeros(0), [])
    whole = Annotations(*(np.concatenate([getattr(part, name) for part in parts]) for name in Annotations.__slots__))
    return whole.take(np.argsort(whole.seconds, kind="stable"))


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording; a payload's values may be anything with a shape, a dtype and `[:, a:b]`, read as it is written."""

    name: str
    subject: str
    signals: tuple[Payload, ...]  # one for each rate, with rate_hz, channels and unit
    start: datetime | None  # of the first sample; None where the source has no date
    annotations: Annotations
    age: float | None = None  # years
    sex: str | None = None  # M or F

    @property
    def seconds(self) -> float:
        """From the first sample to one past the last, in the rate that lasts longest."""
        return max(float(payload.values.shape[1]) / rate_of(payload) for payload in self.signals)


@dataclass(frozen=True)
class Writer:
    """Writes recordings to a sink, one after another."""

    sink: Sink
    beats: Beats = field(default_factory=Beats)
    clock: Clock = field(default_factory=Clock)
    described: set[str] = field(default_factory=set)  # subjects whose age and sex are written

    def write(self, recording: Recording) -> None:
        """Stores the payloads and all events of a recording, and accepts it.

        Raises DataError, before any of it is written, for one without channels, samples or rate, or with two signals of a rate.
        """
        _check(recording)
        for code, (kind, description) in CODES.items():
            if kind != "label":  # a label is declared where there is one: a table may tell a column of the same name
                self.sink.code(code, kind, description=description)
        uris = [self.sink.payload(name, payload) for name, payload in _named(recording)]
        start = recording.start or self._relative_start(recording)
        marks = self._inside(recording)
        frames = [self._waveforms(recording, start, uris), *self._annotations(marks, start), *self._person(recording)]
        frames += self._beats(recording, marks, start)
        self.sink.events(pl.concat(frames, how="diagonal").with_columns(pl.lit(recording.subject).alias("source_id")))
        self.sink.accept()

    def annotate(self, subject: str, start: datetime, found: Annotations) -> None:
        """Writes annotations that stand in a file of their own, beside a recording of the subject, and accepts it.

        Their seconds are since `start`; heartbeats among them are written, and no intervals.
        """
        frames = list(self._annotations(found, start))
        self.sink.events(pl.concat(frames, how="diagonal").with_columns(pl.lit(subject).alias("source_id")))
        self.sink.accept()

    def _relative_start(self, recording: Recording) -> datetime:
        self.sink.relative_times()
        return self.clock.start(recording.subject, recording.seconds)

    def _waveforms(self, recording: Recording, start: datetime, uris: Sequence[str]) -> pl.DataFrame:
        codes = waveform_codes(recording.signals)
        for code in codes:
            self.sink.code(code, "payload", description=CODES["WAVEFORM"][1])
        times = _times(start, np.array([0.0] * (len(codes) + 1) + [recording.seconds]))
        columns = {"time": times, "code": ["RECORD//START", *codes, "RECORD//END"], "payload": [None, *uris, None]}
        return pl.DataFrame(columns, schema_overrides={"payload": pl.String()})

    def _annotations(self, marks: Annotations, start: datetime) -> Iterator[pl.DataFrame]:
        times, labelled = _times(start, marks.seconds), marks.column != ""
        codes = np.where(labelled, np.char.add("LABEL//", marks.column), np.char.add(MARK, marks.symbol))
        for code in np.unique(codes).tolist():
            self.sink.code(code, "label", description=CODES[code][1] if code in CODES else _described(code))
        beat, mark = marks.column == BEAT, ~labelled
        yield _events(times[beat], "BEAT")
        yield _events(times[labelled], codes[labelled], text=marks.symbol[labelled])
        yield _events(times[mark], codes[mark], text=marks.text[mark], value=marks.duration[mark])

    def _beats(self, recording: Recording, marks: Annotations, start: datetime) -> Iterator[pl.DataFrame]:
        """Those found where none is annotated, and the intervals between either."""
        seconds = marks.seconds[marks.column == BEAT]
        if not len(seconds):
            seconds = self.beats.found(recording.signals, self.sink)
            yield _events(_times(start, seconds), "BEAT")
        if self.beats.intervals:
            self.sink.code("RR", "measurement", unit="ms", description="The interval since the heartbeat before")
            self.sink.code("HEART_RATE", "measurement", unit="/min", description="60,000 over the interval in milliseconds")
            after, interval = rr(seconds)
            yield _events(_times(start, after), "RR", value=interval)
            yield _events(_times(start, after), "HEART_RATE", value=60_000 / interval)

    def _inside(self, recording: Recording) -> Annotations:
        """The annotations within the recording; those outside are counted."""
        marks = recording.annotations
        inside = (marks.seconds >= 0) & (marks.seconds < recording.seconds)
        if not inside.all():
            self.sink.note("annotations outside their record, left out", int((~inside).sum()))
        return marks.take(inside)

    def _person(self, recording: Recording) -> Iterator[pl.DataFrame]:
        """AGE and SEX, once a subject, where the source says them."""
        if recording.subject in self.described:
            return
        self.described.add(recording.subject)
        if recording.age is not None:
            self.sink.code("AGE", "static", unit="years")
            yield pl.DataFrame({"code": ["AGE"], "numeric_value": pl.Series([recording.age], dtype=pl.Float32)})
        if recording.sex is not None:
            self.sink.code("SEX", "static")
            yield pl.DataFrame({"code": ["SEX"], "text_value": [recording.sex]})


def rate_of(payload: Payload) -> float:
    """Samples a second. Raises DataError where it is no positive number."""
    if payload.rate_hz is None or not 0 < payload.rate_hz < np.inf:
        raise DataError(f"it has a sampling rate of {payload.rate_hz} Hz")
    return payload.rate_hz


def waveform_codes(signals: Sequence[Payload]) -> list[str]:
    """The code of each signal: WAVEFORM where it has the most channels (of as many, the higher rate), else its rate.

    >>> waveform_codes([Payload(np.zeros((1, 9)), 1.0), Payload(np.zeros((2, 9)), 100.0)])
    ['WAVEFORM//1HZ', 'WAVEFORM']
    """
    main = max(range(len(signals)), key=lambda i: (signals[i].values.shape[0], rate_of(signals[i])))
    return ["WAVEFORM" if i == main else f"WAVEFORM//{rate_of(signal):g}HZ" for i, signal in enumerate(signals)]


def _check(recording: Recording) -> None:
    if not recording.signals:
        raise DataError("it holds no signal")
    if len({rate_of(payload) for payload in recording.signals}) < len(recording.signals):
        raise DataError("it holds two signals of one rate")
    if not all(payload.values.shape[0] and payload.values.shape[1] for payload in recording.signals):
        raise DataError("it holds no sample")


def _named(recording: Recording) -> Iterator[tuple[str, Payload]]:
    """The name that each signal is stored under: that of the recording, and beside its main rate the others with their own."""
    for code, payload in zip(waveform_codes(recording.signals), recording.signals, strict=True):
        yield recording.name + code.removeprefix("WAVEFORM").replace("//", "@"), payload


def _described(code: str) -> str:
    return "An annotation of the record" if code.startswith(MARK) else "A label of the record from here on"


def _times(start: datetime, seconds: Array) -> Array:
    """datetime64[us] of these seconds after the start."""
    return np.datetime64(start, "us") + np.round(seconds * 1e6).astype("timedelta64[us]")


def _events(times: Array, code: str | Array, *, text: Array | None = None, value: Array | None = None) -> pl.DataFrame:
    """A step for each time; "" is no text, NaN no value."""
    columns = {
        "time": times,
        "code": [code] * len(times) if isinstance(code, str) else code.tolist(),
        "text_value": [None] * len(times) if text is None else [word or None for word in text.tolist()],
        "numeric_value": pl.Series([None] * len(times) if value is None else value, dtype=pl.Float32).fill_nan(None),
    }
    return pl.DataFrame(columns, schema_overrides=STEP)
