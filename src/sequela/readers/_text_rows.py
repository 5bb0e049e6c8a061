"""Texts in tables (CSV, TSV) and in JSON lines, row by row, each character as the file has it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.readers._csv_rows import SEPARATORS
from sequela.registry import nearest
from sequela.text.documents import Mark

LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[str | int | float])
_TEXT = msgspec.json.Decoder(str)
_MARKS = msgspec.json.Decoder(list[Mark])
_BROKEN = (msgspec.DecodeError, RecursionError)
_NEVER_CLOSED = "unexpected end of data"  # what csv says of a quotation mark


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns to be read."""

    columns: Sequence[str]
    marks: Sequence[str]  # of these, those that hold lists [begin, end, type] or [begin, end, type, concept]
    lists: Sequence[str]  # of these, those that may hold several entries, as a list in JSON lines
    separator: str  # of a table's columns; "": the commonest of , ; tab | in its header
    between: str  # put between the entries of a list


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says."""

    number: int  # in its file; of a table the header is row 1
    where: str  # file and row
    columns: Mapping[str, str]  # "" where it says nothing


def rows(text: str, file: str, wanted: Wanted, sink: Sink) -> Iterator[Row]:
    """The rows of a file that can be read; others are refused by their number.

    Raises DataError where the file has no such column, or a quotation mark that is never closed.
    """
    return _lines(text, file, wanted, sink) if file.lower().endswith(LINES) else _table(text, file, wanted, sink)


def marks(text: str) -> list[Mark]:
    """What a column of marks says. Raises DataError where it is not a list of them."""
    try:
        return _MARKS.decode(text)
    except _BROKEN as error:
        raise DataError("marks that are no list of [begin, end, type] or [begin, end, type, concept]") from error


def _check_columns(file: str, found: Sequence[str], wanted: Wanted) -> None:
    for name in wanted.columns:
        if name not in found:
            raise DataError(f"{file} has no column {name!r}", hint=nearest(name, list(found)))
        if list(found).count(name) > 1:
            raise DataError(f"{file} has several columns {name!r}")


# ----------------------------------------------------------------------------------------------------------------------- tables


def _table(text: str, file: str, wanted: Wanted, sink: Sink) -> Iterator[Row]:
    separator = wanted.separator or max(SEPARATORS, key=text.partition("\n")[0].count)
    header, *found = entries(text, file, separator)
    names = [name.strip() for name in header or ()]
    _check_columns(file, names, wanted)
    place = {name: names.index(name) for name in wanted.columns}
    for number, row in enumerate(found, 2):
        where = f"{file} row {number}"
        if row is None:
            sink.refuse(where, "quotation marks out of place")
        elif row and len(row) != len(names):
            sink.refuse(where, "more or fewer entries than the header")
        elif row:
            yield Row(number, where, {name: row[at] for name, at in place.items()})


def entries(text: str, file: str, separator: str) -> list[list[str] | None]:
    """The entries of each row; None for one that is not CSV. A text may be longer than csv takes by itself."""
    found: list[list[str] | None] = []
    before = csv.field_size_limit(len(text) + 1)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        while True:
            try:
                found.append(next(reader))
            except StopIteration:
                return found
            except csv.Error as error:
                if str(error) == _NEVER_CLOSED:
                    raise DataError(f"{file} row {len(found) + 1} has a quotation mark that is never closed") from error
                found.append(None)
    finally:
        csv.field_size_limit(before)


# ------------------------------------------------------------------------------------------------------------------- JSON lines


def _lines(text: str, file: str, wanted: Wanted, sink: Sink) -> Iterator[Row]:
    names: dict[str, None] = {}
    found: list[tuple[int, Mapping[str, Raw]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append((number, _object(line)))
                names |= dict.fromkeys(found[-1][1])
            except _BROKEN:
                sink.refuse(f"{file} line {number}", "not an object in JSON")
            except DataError as error:
                sink.refuse(f"{file} line {number}", error.message)
    _check_columns(file, list(names), wanted)
    for number, told in found:
        where = f"{file} line {number}"
        try:
            yield Row(number, where, {name: _value(name, told.get(name), wanted) for name in wanted.columns})
        except DataError as error:
            sink.refuse(where, error.message)


def _object(line: str) -> Mapping[str, Raw]:
    """What a line says. Raises DataError for an object with two values of one key: msgspec would take the last unasked."""
    found = _OBJECT.decode(line)
    json.loads(line, object_pairs_hook=_check_keys, parse_int=str, parse_float=str)
    return found


def _check_keys(pairs: Sequence[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise DataError("an object in JSON with a key given twice")


def _value(name: str, raw: Raw | None, wanted: Wanted) -> str:
    """What stands under a name, as text; marks as they are written. Raises DataError for what is neither."""
    said = b"null" if raw is None else bytes(raw)
    if said.startswith(b'"'):
        return _TEXT.decode(said)
    if said.startswith(b"[") and name in wanted.lists:
        return wanted.between.join(_list(name, said))
    if said.startswith(b"{") or (said.startswith(b"[") and name not in wanted.marks):
        raise DataError(f"the column {name!r} holds {'a list' if said.startswith(b'[') else 'an object'}, not a text")
    return "" if said == b"null" else said.decode()


def _list(name: str, said: bytes) -> list[str]:
    try:
        return [str(one) for one in _LIST.decode(said)]
    except _BROKEN as error:
        raise DataError(f"the column {name!r} holds a list of other than texts and numbers") from error
