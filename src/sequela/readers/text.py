"""Texts: plain files, a document each, or the rows of tables (CSV, TSV) and of JSON lines, with labels, times and marks.

    file    = "notes*.csv"                   # a table: one row a document
    text    = "note"
    subject = "patient"
    time    = "written"
    timezone = "Europe/Berlin"
    labels  = ["diagnoses", "sentiment"]     # "I10; E11.9" is several, for outcome.separator = ";"
    label_system = { diagnoses = "icd10" }   # a row with a code that is none is refused
    parts   = { train = "notes_1.csv", test = "notes_2.csv" }

    pattern = '(?P<part>train|test)/(?P<polarity>pos|neg)/'          # plain files, of whose path the groups are columns
    labels  = ["polarity"]

A text is taken character by character as the file has it. Written: NOTE, or NOTE//<category>, LABEL//<column>, a static for each
column in `static`, and SPANS//<column> for each in `spans`: lists of [begin, end, type] or [begin, end, type, concept] in JSON.
A group of `pattern` that is called subject, time, category, visit or part says that, unless an option names a column. Without a
subject each document is one: the file's path, or file and row. What cannot be used is refused by file and row. A README
or a LICENSE is no document, unless `file` or `parts` call it by its full name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import polars as pl

from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.readers import _corpus, _documents, _label_systems, _subjects, _text_mapping, _text_rows
from sequela.readers._corpus import File
from sequela.readers._csv_rows import visit_number
from sequela.readers._csv_time import timed
from sequela.readers._documents import Document
from sequela.readers._text_mapping import Config
from sequela.readers._text_rows import Row
from sequela.text.documents import Mark
from sequela.text.encoding import decoded

__all__ = ["VERSION", "Config", "TextReader", "build"]
VERSION = 1
LABELS = ("labels", "label_system", "spans")  # options that new texts need not bear out
PLAIN, TABLES = (".txt",), (".csv", ".tsv", ".csv.gz", ".tsv.gz", *_text_rows.LINES)


@dataclass(frozen=True, slots=True)
class TextReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every document; one that cannot be used is refused by its file and row.

        Raises DataError where there is no such file or column, or a table that is no text in its encoding.
        """
        if not self.config.text:
            _check_plain(source, self.config)
        files = _corpus.listed(source, self.config, TABLES if self.config.text else PLAIN, sink)
        found = self._tables(source, files, sink) if self.config.text else self._plain(source, files, sink)
        _documents.write(found, sink)

    def _tables(self, source: Source, files: Sequence[File], sink: Sink) -> Iterator[Document]:
        names = _subjects.names([file.name for file in files])
        for done, file in enumerate(files, 1):
            text, groups = _corpus.text_of(source, file.name, self.config.encoding), self.config.groups(file.name)
            rows = _text_rows.rows(text, file.name, self.config.wanted(file.name), sink)
            told = [Row(row.number, row.where, {**groups, **row.columns}) for row in rows]
            for row, times in _timed(self.config, told, sink):
                own = _Own(f"{names[file.name]}-", f"{row.number:05d}", file.part)
                yield from _document(self.config, row, row.columns[self.config.text], own, times, sink)
            sink.progress(done, len(files))

    def _plain(self, source: Source, files: Sequence[File], sink: Sink) -> Iterator[Document]:
        names, parts = _subjects.names([file.name for file in files]), {file.name: file.part for file in files}
        rows = [Row(0, file.name, self.config.groups(file.name)) for file in files]
        for done, (row, times) in enumerate(_timed(self.config, rows, sink), 1):
            text = _text(source, row.where, self.config.encoding, sink)
            if text is not None:
                yield from _document(self.config, row, text, _Own("", names[row.where], parts[row.where]), times, sink)
            sink.progress(done, len(files))


def _check_plain(source: Source, config: Config) -> None:
    """Raises DataError where tables are among the files that are asked for, or that are all there is."""
    patterns = config.parts.values() or [config.file or "**"]
    names = sorted({name for pattern in patterns for name in _corpus.matching(source, pattern, (*PLAIN, *TABLES))})
    tables, plain = ([name for name in names if name.lower().endswith(TABLES) == table] for table in (True, False))
    if tables and plain:
        raise DataError(
            f"{source.name} has tables ({tables[0]}) and plain files ({plain[0]}), and nothing says which are the texts",
            hint='text = "COLUMN" reads the tables, file = "*.txt" the plain files',
        )
    if tables:
        raise DataError(f"{tables[0]} is a table, and nothing says which column is the text", hint='set text = "COLUMN"')


class _Times(NamedTuple):
    """When a document was written, and from when on it is known where that is later; UTC."""

    time: datetime | None
    available: datetime | None


class _Own(NamedTuple):
    """What a document is called where its columns do not say it."""

    file: str  # before a subject that is one of its file alone
    name: str  # of it in its file
    part: str


def _timed(config: Config, rows: Sequence[Row], sink: Sink) -> Iterator[tuple[Row, _Times]]:
    """Each row with its times; rows of a time that cannot be read are refused."""
    clock = config.clock
    columns = {name: [row.columns[name].strip() or None for row in rows] for name in (clock.time, clock.known) if name}
    frame = pl.DataFrame(
        {"#where": [row.where for row in rows], "#row": range(len(rows)), **columns},
        schema_overrides=dict.fromkeys(("#where", *columns), pl.String()),
    )
    for place, time, known in timed(clock, frame, sink).select("#row", "moment", "#known").iter_rows():
        yield rows[place], _Times(time, known)


def _document(config: Config, row: Row, text: str, own: _Own, times: _Times, sink: Sink) -> Iterator[Document]:
    """The document of a row; none where it was refused."""
    told = {role: row.columns[column].strip() for role, column in config.roles.items()}
    try:
        yield Document(
            subject=_subject(config, told.get("subject"), own),
            text=text,
            name=row.where,
            category=told.get("category", ""),
            time=times.time,
            available=times.available,
            visit=visit_number(told["visit"]) if told.get("visit") else None,
            marks=_marks(config, row),
            labels=_labels(config, row),
            told={column: row.columns[column].strip() for column in config.static},
            part=told.get("part", "") or own.part,
        )
    except DataError as error:
        sink.refuse(row.where, error.message)


def _subject(config: Config, told: str | None, own: _Own) -> str:
    """ "" where none is told though a column should."""
    if told is None:
        return own.file + own.name
    return own.file + told if told and config.per_file else told


def _labels(config: Config, row: Row) -> dict[str, str]:
    """Raises DataError for one that is none of its code system."""
    labels = {column: row.columns[column].strip() for column in config.labels}
    for column, system in config.label_system.items():
        _label_systems.check(column, labels[column], config.label_separator, system)
    return labels


def _marks(config: Config, row: Row) -> dict[str, list[Mark]]:
    """Those of the columns that say any, be it none. Raises DataError for what is no list of marks."""
    return {column: _text_rows.marks(row.columns[column]) for column in config.spans if row.columns[column].strip()}


def _text(source: Source, file: str, encoding: str, sink: Sink) -> str | None:
    """The text of a file that is a document; None where it was refused."""
    try:
        return decoded(source.read(file), encoding)
    except DataError as error:
        _corpus.refuse_bytes(file, error, sink)
        return None


def build(config: Config) -> Reader:
    """Raises ConfigError for options that do not go together."""
    _text_mapping.check(config)
    return TextReader(config)
