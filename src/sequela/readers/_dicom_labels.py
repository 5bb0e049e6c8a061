"""What a table tells of the studies, series or subjects of DICOM files.

Labels of a subject have no time; those of a study or series are stamped as its pictures are, so that each picture of a
patient who comes back has its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sequela.contracts import Sink, Source
from sequela.readers import _label_table
from sequela.readers._dicom_origin import Origin
from sequela.readers._label_table import Line
from sequela.readers._picture_events import write_labels, write_parts
from sequela.readers._picture_list import Entry

Known = Literal["series", "study", "subject"]  # the finest first
COLUMNS: Mapping[str, str] = {"series": "SeriesInstanceUID", "study": "StudyInstanceUID", "subject": "subject", "part": "part"}


@dataclass(frozen=True)
class Told:
    """The lines of a table, and of which of the pictures that were written they speak."""

    table: _label_table.Table
    lines: Mapping[str, Line]
    _labelled: dict[tuple[str, str, datetime | None], Line] = field(default_factory=dict)  # subject, what is named, time
    _unlabelled: set[str] = field(default_factory=set)

    def take(self, origins: Iterable[Origin]) -> None:
        """Takes up pictures that were written."""
        for origin in origins:
            name = _named(origin, self.table.by)
            time = None if self.table.by == "subject" or origin.when is None else origin.when.time
            if name in self.lines:
                self._labelled[origin.subject, name, time] = self.lines[name]
            else:
                self._unlabelled.add(name)

    def write(self, sink: Sink) -> None:
        """Writes labels and parts."""
        entries = [Entry("", subject, line.part, line.labels) for (subject, _, _), line in self._labelled.items()]
        write_labels(sink, entries, self.table.labels, [time for _, _, time in self._labelled])
        write_parts(sink, entries)
        if self._unlabelled:
            sink.note(_label_table.unlabelled(self.table), len(self._unlabelled))


def told(source: Source, sink: Sink, file: str, columns: _label_table.Columns, origins: Iterable[Origin]) -> Told | None:
    """What a table says of these pictures; None where there is none. Raises DataError for one that cannot be used."""
    table = _label_table.read(source, sink, file, columns)
    if table is None:
        return None
    names = {_named(origin, table.by) for origin in origins}
    return Told(table, _label_table.matched(table, {name: [name] for name in names if name}, sink))


def columns(given: Mapping[Known | Literal["part"], str], labels: tuple[str, ...] | None) -> _label_table.Columns:
    """With the names of DICOM, where none other are given."""
    called: dict[str, str] = dict(COLUMNS)
    called.update(given.items())
    part = called.pop("part")
    return _label_table.Columns(called, called["subject"], part, labels)


def _named(origin: Origin, by: str) -> str:
    return {"series": origin.series, "study": origin.study, "subject": origin.subject}[by]
