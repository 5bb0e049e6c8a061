"""Writes pictures that were read: IMAGE, their labels and statics, masks, boxes and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl

from sequela.contracts import Sink
from sequela.readers._marked_boxes import CLIPPED, CROWD, Box
from sequela.readers._picture import CHANNELS, Mode, Picture
from sequela.readers._picture_list import Entry
from sequela.readers._picture_marks import Marks
from sequela.readers._samples import PART_NAMES, label_events
from sequela.readers._tiles import Place
from sequela.types import Array, Payload

UNMARKED = "a picture without boxes of anyone: not marked"


@dataclass(slots=True)
class Rows:
    """Events of one code, gathered."""

    subjects: list[str] = field(default_factory=list)
    payloads: list[str | None] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    numbers: list[float | None] = field(default_factory=list)
    times: list[datetime | None] = field(default_factory=list)

    def add(
        self,
        subject: str,
        *,
        payload: str | None = None,
        text: str | None = None,
        number: float | None = None,
        time: datetime | None = None,
    ) -> None:
        self.subjects.append(subject)
        self.times.append(time)
        self.payloads.append(payload)
        self.texts.append(text)
        self.numbers.append(number)

    def frame(self, code: str) -> pl.DataFrame:
        """As a sink takes them."""
        columns = {
            "source_id": pl.Series(self.subjects, dtype=pl.String),
            "time": pl.Series(self.times, dtype=pl.Datetime("us")),
            "payload": pl.Series(self.payloads, dtype=pl.String),
            "text_value": pl.Series(self.texts, dtype=pl.String),
            "numeric_value": pl.Series(self.numbers, dtype=pl.Float32),
        }
        return pl.DataFrame(columns).with_columns(pl.lit(code).alias("code"))


@dataclass(frozen=True, slots=True)
class Gathered:
    """Events of several codes."""

    rows: dict[tuple[str, str], Rows] = field(default_factory=dict)  # (code, kind)

    def of(self, code: str, kind: str) -> Rows:
        """Those of a code so far."""
        return self.rows.setdefault((code, kind), Rows())

    def write(self, sink: Sink) -> None:
        """Declares and writes all of them."""
        for (code, kind), rows in self.rows.items():
            sink.code(code, kind)
            sink.events(rows.frame(code))


@dataclass(frozen=True, slots=True)
class Taken:
    """What was written so far."""

    files: set[str] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)


@dataclass(slots=True)
class PictureWriter:
    """Takes pictures one at a time and writes payloads at once, events when it is finished."""

    sink: Sink
    mode: Mode
    masks: Sequence[str] = ()  # codes
    counted: Sequence[str] = ()  # of them, those whose values number single things
    boxes: str = ""  # the code that begins those of boxes; "": none are read
    described: bool = False
    entries: list[Entry] = field(default_factory=list)
    taken: Taken = field(default_factory=Taken)
    _rows: Gathered = field(default_factory=Gathered)
    _unmasked: dict[str, list[str]] = field(default_factory=dict)  # code -> where its masks were looked for, and none lay
    _found: dict[str, Counter[str]] = field(default_factory=dict)  # subject -> boxes of each class

    def add(self, entry: Entry, picture: Picture, marks: Marks) -> None:
        """Writes a picture and what is marked on it."""
        uri = self.sink.payload(entry.file, Payload(picture.values, None, CHANNELS[self.mode]))
        self._rows.of("IMAGE", "payload").add(entry.subject, payload=uri)
        self.entries.append(entry)
        self.taken.files.add(entry.file)
        self.taken.subjects.add(entry.subject)
        for code in self.masks:
            self._mask(entry, code, marks.masks.get(code), marks.tried.get(code, ""))
        if self.boxes:
            self._boxes(entry, marks)
        if self.described:
            self._rows.of("KIND", "static").add(entry.subject, text="colour" if picture.coloured else "grey")
            self._rows.of("SIZE", "static").add(entry.subject, text=" × ".join(map(str, picture.filed)))

    def tile(self, entry: Entry, picture: Picture, place: Place, size: int) -> None:
        """Writes one tile of a picture."""
        values = picture.values[..., place.row : place.row + size, place.column : place.column + size]
        uri = self.sink.payload(f"{entry.file}#{place.row},{place.column}", Payload(values, None, CHANNELS[self.mode]))
        self._rows.of("TILE", "payload").add(entry.subject, payload=uri, text=place.text, number=place.tissue)

    def _mask(self, entry: Entry, code: str, labels: Array | None, tried: str) -> None:
        if labels is None:
            self._unmasked.setdefault(code, []).append(tried)
            return
        uri = self.sink.payload(f"{entry.file}#{code}", Payload(labels, None, ("label",)))
        self._rows.of(code, "label").add(entry.subject, payload=uri)
        if code in self.counted:
            things = int(np.count_nonzero(np.unique(labels)))
            self._rows.of(f"LABEL//count_{code}", "label").add(entry.subject, number=things, text=str(things))

    def _boxes(self, entry: Entry, marks: Marks) -> None:
        if marks.boxes is None:
            self.sink.note(UNMARKED, 1)
            return
        self._found[entry.subject] = Counter(box.name for box in marks.boxes.boxes)
        self._rows.of("BOXES", "label").add(entry.subject, number=len(marks.boxes.boxes))
        for box in marks.boxes.boxes:
            self._box(entry.subject, box)
        for number, reason in marks.boxes.refused.items():
            self.sink.refuse(f"{entry.file} box {number}", reason)
        for text, count in ((CLIPPED, marks.boxes.clipped), (CROWD, marks.crowds)):
            if count:
                self.sink.note(text, count)

    def _box(self, subject: str, box: Box) -> None:
        self._rows.of(f"{self.boxes}//{box.name}", "label").add(subject, text=box.text)

    def finish(self, columns: Sequence[str]) -> None:
        """Writes the events, with these label columns, and the parts."""
        self._count_boxes()
        for code, tried in self._unmasked.items():
            self.sink.note(f"pictures without a mask {code}, the first looked for at {tried[0] or 'no path'}", len(tried))
        self._rows.write(self.sink)
        write_labels(self.sink, self.entries, columns)
        write_told(self.sink, self.entries)
        write_parts(self.sink, self.entries)
        self.sink.accept(len(self.entries))

    def _count_boxes(self) -> None:
        for name in sorted({name for found in self._found.values() for name in found}):
            for subject, found in self._found.items():
                self._rows.of(f"LABEL//count_{name}", "label").add(subject, number=found[name], text=str(found[name]))


def write_labels(
    sink: Sink, entries: Sequence[Entry], columns: Sequence[str], times: Sequence[datetime | None] | None = None
) -> None:
    """Writes LABEL//<column> for each of these columns; without time, or at these."""
    subjects = [entry.subject for entry in entries]
    for number, column in enumerate(columns):
        sink.code(f"LABEL//{column}", "label")
        sink.events(label_events(subjects, column, as_labels([entry.labels[number] for entry in entries]), times))


def write_parts(sink: Sink, entries: Sequence[Entry]) -> None:
    """Assigns subjects to the parts that their pictures are of."""
    for entry in entries:
        if entry.part:
            sink.part(entry.subject, PART_NAMES[entry.part.lower()])


def write_told(sink: Sink, entries: Sequence[Entry]) -> None:
    """Writes what is told of subjects as statics, each once: a subject may have several pictures that say the same."""
    said = dict.fromkeys((name, entry.subject, text) for entry in entries for name, text in entry.told.items())
    for name in sorted({name for name, _, _ in said}):
        subjects, texts = zip(*((subject, text) for told, subject, text in said if told == name), strict=True)
        code = name.upper()
        sink.code(code, "static")
        sink.events(label_events(subjects, name, as_statics(texts)).with_columns(pl.lit(code).alias("code")))


def as_statics(texts: Sequence[str]) -> Array:
    """As labels, but "01" stays a word."""
    padded = any(len(text) > 1 and text[0] == "0" and text.isdecimal() for text in texts)
    return np.asarray(texts, np.str_) if padded else as_labels(texts)


def as_labels(labels: Sequence[str]) -> Array:
    """Labels as numbers where all that are there are numbers, else as words."""
    column = pl.Series(labels, dtype=pl.String).replace("", None)
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() > column.null_count() or column.null_count() == len(column):
        return np.asarray(labels, np.str_)
    whole = column.cast(pl.Int64, strict=False)
    return whole.to_numpy() if not whole.null_count() else numbers.fill_null(np.nan).to_numpy()
