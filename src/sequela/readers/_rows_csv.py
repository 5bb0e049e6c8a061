"""The rows of a CSV file, plain or gzipped, in blocks of whole rows (see `_rows.py`)."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, cast

import numpy as np
import polars as pl

from sequela.errors import DataError
from sequela.readers._row_types import TYPES, Account, ColumnType, Layout, check_share, wanted_columns, with_numbers
from sequela.readers._rows_even import enclosed, even

BLOCK_BYTES = 2**21  # parsed at once
LONGEST_ROW = 2**26


def _parsed_as(type_: ColumnType) -> pl.DataType:
    """Times are text until a whole chunk of them is there."""
    return pl.String() if type_ == "time" else TYPES[type_]


def csv_frames(
    path: Path, required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account
) -> Iterator[pl.DataFrame]:
    """A frame a block: `row`, the columns that are wanted, those that the file has not as nulls; times are text still."""
    blocks = _blocks(path, account.file)
    head, _, rest = next(blocks, b"").partition(b"\n")
    if not head:
        raise DataError(f"{account.file} is empty, or its first line is", hint="row 1 is the header")
    layout = _layout(head, required, optional, account)
    row = 2
    for block in chain([rest], blocks):
        if block:
            frame, count = _parsed(block, row, layout, account)
            row += count
            yield frame


def _blocks(path: Path, file: str) -> Iterator[bytes]:
    """Blocks of about BLOCK_BYTES that end with a row."""
    with path.open("rb") as plain:
        zipped = plain.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rb") if zipped else path.open("rb", buffering=0) as opened:
            yield from _cut(cast("IO[bytes]", opened), file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file} is a damaged gzip file: {error}", hint="copy or download it again") from error


def _cut(opened: IO[bytes], file: str) -> Iterator[bytes]:
    buffer = bytearray(2 * BLOCK_BYTES)
    kept = 0
    while True:
        if kept > LONGEST_ROW:
            raise DataError(f"{file} has a row longer than {LONGEST_ROW:,} bytes", hint="is a quotation mark never closed?")
        if len(buffer) - kept < BLOCK_BYTES:
            buffer.extend(bytes(len(buffer)))
        with memoryview(buffer) as view:
            found = opened.readinto(view[kept : kept + BLOCK_BYTES])  # type: ignore[attr-defined]
            whole = kept + found
            end = _last_row(buffer, whole) if found else whole
            if end:
                yield bytes(view[:end]) if buffer[end - 1] == 10 else bytes(view[:end]) + b"\n"
            view[: whole - end] = view[end:whole]
        kept = whole - end
        if not found:
            return


def _last_row(buffer: bytearray, length: int) -> int:
    """Where the last whole row ends: behind a line end that no quotation marks enclose."""
    if buffer.find(b'"', 0, length) < 0:
        return buffer.rfind(b"\n", 0, length) + 1
    text = np.frombuffer(buffer, np.uint8, length)
    ends = np.flatnonzero(text == ord("\n"))
    outside = ends[~enclosed(text == ord('"'))[ends]]
    return int(outside[-1]) + 1 if len(outside) else 0


def _layout(head: bytes, required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account) -> Layout:
    try:
        line = head.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{account.file} is not text in UTF-8 (byte {error.start})", hint="is it CSV?") from error
    names = [name.strip().lower() for name in next(csv.reader([line]), [])]
    _check_separator(names, account.file)
    wanted = wanted_columns(names, required, optional, account)
    for name in wanted:
        if names.count(name) > 1:
            raise DataError(f"{account.file} has {names.count(name)} columns {name!r}")
    return Layout(tuple(names), wanted, {name: type_ for name, type_ in optional.items() if name not in wanted})


def _check_separator(names: Sequence[str], file: str) -> None:
    for mark, word in {";": "semicolons", "\t": "tabs", "|": "bars"}.items():
        if len(names) == 1 and mark in names[0]:
            raise DataError(f"{file} has one column; its header is separated by {word}, not commas", hint="write it with commas")


def _parsed(block: bytes, row: int, layout: Layout, account: Account) -> tuple[pl.DataFrame, int]:
    """The rows of a block that begins with this row number, and how many rows it has."""
    quoted = b'"' in block
    if (rows := even(block, len(layout.header), quoted)) >= 0:
        try:
            frame = _fast(block, layout, quoted)
        except pl.exceptions.ComputeError:
            return _slow(block, row, layout, account)
        if len(frame) == rows:
            account.read += rows
            return layout.finished(frame, pl.int_range(row, row + rows, eager=True)), rows
    return _slow(block, row, layout, account)


def _fast(block: bytes, layout: Layout, quoted: bool) -> pl.DataFrame:
    names = [name if name in layout.wanted else f"{place} not read" for place, name in enumerate(layout.header)]
    schema = {name: _parsed_as(layout.wanted[name]) if name in layout.wanted else pl.String() for name in names}
    scan = pl.scan_csv(block, has_header=False, schema=schema, quote_char='"' if quoted else None, glob=False)
    frame = scan.select(*layout.wanted).collect(engine="in-memory")
    return frame.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep()) if quoted else frame


def _slow(block: bytes, row: int, layout: Layout, account: Account) -> tuple[pl.DataFrame, int]:
    """The same, row by row: those at fault are refused."""
    rows = _rows(block, row, account)
    account.read += sum(1 for _, entries in rows if entries)
    good = [(number, entries) for number, entries in rows if len(entries) == len(layout.header)]
    bad = [number for number, entries in rows if entries and len(entries) != len(layout.header)]
    check_share(len(bad), len(rows), f"not the {len(layout.header)} entries of the header", account)
    account.refuse(bad, "more or fewer entries than the header")
    numbers = pl.Series("row", [number for number, _ in good], dtype=pl.Int64)
    place = {name: layout.header.index(name) for name in layout.wanted}
    columns = {name: pl.Series([entries[at] or None for _, entries in good], dtype=pl.String) for name, at in place.items()}
    frame = pl.DataFrame([numbers, *(column.alias(name) for name, column in columns.items())])
    for name, type_ in layout.wanted.items():
        if type_ in ("whole", "number"):
            frame = with_numbers(frame, name, type_, account)
    return layout.finished(frame.drop("row"), frame["row"]), len(rows)


def _rows(block: bytes, row: int, account: Account) -> list[tuple[int, list[str]]]:
    """Number and entries of each row; rows that are not UTF-8 are refused, and come back without entries."""
    text = block.decode("utf-8", "surrogateescape")
    try:
        rows = list(enumerate(csv.reader(io.StringIO(text, newline="")), start=row))
    except csv.Error as error:
        raise DataError(f"{account.file} cannot be read after row {row}: {error}") from error
    if text.isascii():
        return rows
    bad = {number for number, entries in rows if not _is_text("".join(entries))}
    account.read += len(bad)
    account.refuse(sorted(bad), "bytes that are not UTF-8")
    return [(number, [] if number in bad else entries) for number, entries in rows]


def _is_text(text: str) -> bool:
    return not any("\udc80" <= letter <= "\udcff" for letter in text)
