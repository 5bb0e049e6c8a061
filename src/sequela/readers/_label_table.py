"""Labels and parts that a table (CSV) in the source tells of pictures that are found without it.

Each line names what it speaks of in one column: a file, a subject, or what else a reader knows its pictures by. A line that
names nothing in the source, and a picture without a line, are counted; a source without the table is unlabelled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypeVar

from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _picture_list
from sequela.readers._picture_list import Entry
from sequela.readers._samples import PART_NAMES
from sequela.registry import nearest

DEFAULT_LABELS = ("label",)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table are called."""

    names: Mapping[str, str]  # what a line may speak of -> the column that names it; of those that are there the first is taken
    subject: str
    part: str
    labels: tuple[str, ...] | None  # None: "label", if there is one


@dataclass(frozen=True, slots=True)
class Line:
    """What one line tells; "" where its cell is empty."""

    number: int  # the line of column names being 1
    name: str
    subject: str
    part: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read."""

    file: str
    by: str  # what its lines speak of
    labels: tuple[str, ...]
    lines: tuple[Line, ...]


def check(table: str, labels: tuple[str, ...] | None) -> None:
    """Raises ConfigError for columns of labels where no table is named."""
    if labels not in (None, (), DEFAULT_LABELS) and not table:
        raise ConfigError(f"without a table there are no columns {', '.join(labels or ())}", hint='name it: table = "labels.csv"')


def read(source: Source, sink: Sink, file: str, columns: Columns) -> Table | None:
    """The table; None where none is asked for, or the source has none of that name, which is noted.

    Raises DataError where it is not CSV, or lacks a column.
    """
    files = frozenset(source.files())
    if file and file not in files:
        sink.note(f"a table that is not there, so nothing is labelled: {file}", 1)
    if file not in files:
        return None
    found = _picture_list.cells(source, files, file)
    by = next((what for what, column in columns.names.items() if column in found.columns), None)
    if by is None:
        wanted = " or ".join(map(repr, columns.names.values()))
        raise DataError(f"the table {file} has no column {wanted}", hint=nearest(columns.subject, found.columns))
    likely = tuple(label for label in DEFAULT_LABELS if label in found.columns)
    labels = likely if columns.labels is None else columns.labels
    _picture_list.check_columns(file, found.columns, labels)
    lines = (
        Line(
            number,
            line[columns.names[by]],
            line.get(columns.subject, ""),
            line.get(columns.part, ""),
            tuple(line[label] for label in labels),
        )
        for number, line in enumerate(found.iter_rows(named=True), 2)
    )
    return Table(file, by, labels, tuple(lines))


def matched(table: Table, known: Mapping[str, Collection[T]], sink: Sink) -> dict[T, Line]:
    """The line of each picture, or whatever else is known by the names that lines give; paths are from the table, or the source.

    A line of an unknown part, one that may mean several, and a second of one picture are refused by their number; those that
    name nothing are noted. Raises DataError where all of them name nothing.
    """
    found: dict[T, Line] = {}
    nothing = 0
    for line in table.lines:
        near = str(PurePosixPath(table.file).parent / line.name)
        meant = known.get(near) or known.get(line.name, ())
        if not meant:
            nothing += 1
        elif reason := _unusable(line, meant, found):
            sink.refuse(f"{table.file} line {line.number}", reason)
        else:
            found[next(iter(meant))] = line
    if nothing == len(table.lines):
        raise DataError(
            f"none of the {nothing} lines of {table.file} names a {table.by} of the source",
            hint="names are compared letter by letter; leading zeros count",
        )
    if nothing:
        sink.note(f"lines of {table.file} that name no {table.by} of the source", nothing)
    return found


def told(table: Table, entries: Sequence[Entry], known: Mapping[str, Collection[str]], sink: Sink) -> list[Entry]:
    """The entries with the labels, part and subject of their lines, where `known` says which files a name may mean."""
    lines = matched(table, known, sink)
    without = sum(entry.file not in lines for entry in entries)
    if without:
        sink.note(unlabelled(table), without)
    return [_with(entry, lines.get(entry.file), len(table.labels)) for entry in entries]


def _with(entry: Entry, line: Line | None, count: int) -> Entry:
    if line is None:
        return replace(entry, labels=("",) * count)
    return replace(entry, labels=line.labels, part=line.part or entry.part, subject=line.subject or entry.subject)


def unlabelled(table: Table) -> str:
    """The note on what has no line."""
    plural = {"series": "series", "study": "studies"}.get(table.by, f"{table.by}s")
    return f"{plural} of which {table.file} has no line, so unlabelled"


def _unusable(line: Line, meant: Collection[T], found: Mapping[T, Line]) -> str:
    """Why a line is not used; "" where it is."""
    if len(meant) > 1:
        return "several pictures are called so"
    if next(iter(meant)) in found:
        return "listed more than once; the first line counts"
    return "" if not line.part or line.part.lower() in PART_NAMES else "its part is none of train, tune (val) and test"
