"""Rows of a table of health records, chunk by chunk: a CSV file, plain or gzipped, or a Parquet file, in bounded memory.

A CSV file is read in blocks of whole rows. Where every row of a block has the entries that the header names and every number is
one, polars parses the columns that are wanted and no others; else the block is gone through row by row, and the rows at fault
are refused by their number (row 1 is the header; of a Parquet file it is the first row). A wanted column is of one type:

    whole    a whole number, Int64
    number   Float64
    text     String, as it stands
    code     String; stored as numbers (Parquet), it is refused: leading zeros are lost
    time     Datetime("us"): YYYY-MM-DD HH:MM:SS, also with T, with fractions, without seconds, or a date alone (its 00:00)

An empty entry is null in each of them.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Literal, TypeAlias, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.registry import nearest
from sequela.types import Array

ColumnType: TypeAlias = Literal["whole", "number", "text", "code", "time"]

BLOCK_BYTES = 2**21  # parsed at once
CHUNK_ROWS, CHUNK_BYTES = 2**17, 2**22  # handed on at once
LONGEST_ROW = 2**26
_PIECE = 2**18  # of a block, looked at at once: fits into a cache
FAULTY_SHARE, FAULTY_ROWS = 0.5, 10  # of a chunk: more than both and the column is misread, not a few rows

TYPES: Mapping[ColumnType, pl.DataType] = {
    "whole": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "code": pl.String(),
    "time": pl.Datetime("us"),
}
_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
)
_WORDS: Mapping[ColumnType, str] = {
    "whole": "a whole number",
    "number": "a number",
    "time": "a time as YYYY-MM-DD HH:MM:SS",
    "text": "text",
    "code": "text",
}


@dataclass
class Account:
    """What became of the rows of one table; `sink` is None for a table that is only looked things up in."""

    table: str
    file: str
    sink: Sink | None
    read: int = 0
    refused: int = 0
    ignored: Counter[str] = field(default_factory=Counter)

    def refuse(self, rows: Sequence[int] | pl.Series, reason: str) -> None:
        """Refuses the rows of these numbers."""
        self.refused += len(rows)
        if self.sink is not None:
            for row in rows:
                self.sink.refuse(f"{self.file} row {row}", f"{self.table}: {reason}")

    def ignore(self, count: int, reason: str) -> None:
        """Counts rows left out by rule."""
        if count:
            self.ignored[reason] += count

    def close(self) -> None:
        """Tells the sink what was read and what was ignored."""
        if self.sink is not None:
            self.sink.note(f"{self.table}: rows read", self.read)
            for reason, count in self.ignored.items():
                self.sink.note(f"{self.table}: rows ignored: {reason}", count)


def chunks(
    path: Path, required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account
) -> Iterator[pl.DataFrame]:
    """Frames of at most about CHUNK_ROWS rows: `row` (its number in the file), and the columns named, in small letters.

    An optional column that the file has not is null throughout. Raises DataError: a file that is empty, damaged or of another
    kind, a column that is not there, numbers for codes, most rows of a chunk without what a column should hold.
    """
    opened = _parquet(path, required, optional, account) if _is_parquet(path) else _csv(path, required, optional, account)
    types = {**required, **optional}
    timed = [name for name, type_ in types.items() if type_ == "time"]
    return _gathered(_timed(frame, timed, account) for frame in opened)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as opened:
        return opened.read(4) == b"PAR1"


def _gathered(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Frames of CHUNK_ROWS rows or more, or of CHUNK_BYTES where that is sooner."""
    held: list[pl.DataFrame] = []
    for frame in frames:
        held.append(frame)
        if sum(map(len, held)) >= CHUNK_ROWS or sum(one.estimated_size() for one in held) >= CHUNK_BYTES:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)


# ------------------------------------------------------------------------------------------------------------------------ csv


@dataclass(frozen=True)
class _Layout:
    """The columns of a CSV file in its order, and those that are wanted."""

    header: tuple[str, ...]
    wanted: Mapping[str, ColumnType]
    absent: Mapping[str, ColumnType]

    def finished(self, frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
        """With the columns that the file has not, and the row numbers."""
        absent = [pl.Series(name, [None], TYPES[type_]).new_from_index(0, len(frame)) for name, type_ in self.absent.items()]
        return pl.DataFrame([rows.alias("row"), *(frame[name] for name in self.wanted), *absent])


def _parsed_as(type_: ColumnType) -> pl.DataType:
    """Times are text until a whole chunk of them is there."""
    return pl.String() if type_ == "time" else TYPES[type_]


def _csv(
    path: Path, required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account
) -> Iterator[pl.DataFrame]:
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
    outside = ends[~_enclosed(text == ord('"'))[ends]]
    return int(outside[-1]) + 1 if len(outside) else 0


def _enclosed(marks: Array) -> Array:
    """Which bytes lie between an opening quotation mark and the one that closes it."""
    return np.bitwise_xor.accumulate(marks.view(np.uint8)).view(bool)


def _layout(head: bytes, required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account) -> _Layout:
    try:
        line = head.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{account.file} is not text in UTF-8 (byte {error.start})", hint="is it CSV?") from error
    names = [name.strip().lower() for name in next(csv.reader([line]), [])]
    _check_separator(names, account.file)
    wanted = _found(names, required, optional, account)
    for name in wanted:
        if names.count(name) > 1:
            raise DataError(f"{account.file} has {names.count(name)} columns {name!r}")
    return _Layout(tuple(names), wanted, {name: type_ for name, type_ in optional.items() if name not in wanted})


def _check_separator(names: Sequence[str], file: str) -> None:
    for mark, word in {";": "semicolons", "\t": "tabs", "|": "bars"}.items():
        if len(names) == 1 and mark in names[0]:
            raise DataError(f"{file} has one column; its header is separated by {word}, not commas", hint="write it with commas")


def _found(
    names: Sequence[str], required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account
) -> dict[str, ColumnType]:
    """The wanted columns that are there. Raises DataError where a required one is not."""
    for name in required:
        if name not in names:
            raise DataError(f"{account.file} has no column {name!r}", hint=nearest(name, tuple(names)))
    wanted = {name: type_ for name, type_ in {**required, **optional}.items() if name in names}
    if account.sink is not None and len(names) > len(wanted):
        account.sink.note(f"{account.table}: columns not read", len(names) - len(wanted))
    return wanted


def _parsed(block: bytes, row: int, layout: _Layout, account: Account) -> tuple[pl.DataFrame, int]:
    """The rows of a block that begins with this row number, and how many rows it has."""
    quoted = b'"' in block
    if (rows := _even(block, len(layout.header), quoted)) >= 0:
        try:
            frame = _fast(block, layout, quoted)
        except pl.exceptions.ComputeError:
            return _slow(block, row, layout, account)
        if len(frame) == rows:
            account.read += rows
            return layout.finished(frame, pl.int_range(row, row + rows, eager=True)), rows
    return _slow(block, row, layout, account)


def _even(block: bytes, entries: int, quoted: bool) -> int:
    """How many rows the block has; -1 where one of them has more or fewer entries than the header."""
    text = np.frombuffer(block, np.uint8)
    inside = _enclosed(text == ord('"')) if quoted else None
    return _even_rows(_words(text, ",", inside), _words(text, "\n", inside), entries)


def _words(text: Array, sign: str, inside: Array | None) -> Array:
    """Where this sign stands outside quotation marks, as bits, 64 to a word, the first the lowest."""
    packed = np.zeros((len(text) + 63) // 64 * 8, np.uint8)
    for first in range(0, len(text), _PIECE):
        found = text[first : first + _PIECE] == ord(sign)
        if inside is not None:
            found &= ~inside[first : first + _PIECE]
        packed[first // 8 : (first + len(found) + 7) // 8] = np.packbits(found, bitorder="little")
    return packed.view(np.uint64)


def _even_rows(commas: Array, ends: Array, entries: int) -> int:
    """As _even, of words: the n-th end has n (entries - 1) commas before it. The first end of each word, then the second, …"""
    commas_before, ends_before = _before(commas), _before(ends)
    at = np.flatnonzero(ends)
    left = ends[at]
    while len(at):
        below = ~left & (left - np.uint64(1))
        row = ends_before[at] + np.bitwise_count(ends[at] & below) + 1
        if (commas_before[at] + np.bitwise_count(commas[at] & below) != (entries - 1) * row).any():
            return -1
        left &= left - np.uint64(1)
        more = left != 0
        at, left = at[more], left[more]
    return int(np.bitwise_count(ends).sum()) or -1


def _before(words: Array) -> Array:
    """How many bits are set before each word."""
    counts = np.bitwise_count(words)
    before: Array = np.cumsum(counts, dtype=np.int64) - counts
    return before


def _fast(block: bytes, layout: _Layout, quoted: bool) -> pl.DataFrame:
    names = [name if name in layout.wanted else f"{place} not read" for place, name in enumerate(layout.header)]
    schema = {name: _parsed_as(layout.wanted[name]) if name in layout.wanted else pl.String() for name in names}
    scan = pl.scan_csv(block, has_header=False, schema=schema, quote_char='"' if quoted else None, glob=False)
    frame = scan.select(*layout.wanted).collect(engine="in-memory")
    return frame.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep()) if quoted else frame


def _slow(block: bytes, row: int, layout: _Layout, account: Account) -> tuple[pl.DataFrame, int]:
    """The same, row by row: those at fault are refused."""
    rows = _rows(block, row, account)
    account.read += sum(1 for _, entries in rows if entries)
    good = [(number, entries) for number, entries in rows if len(entries) == len(layout.header)]
    bad = [number for number, entries in rows if entries and len(entries) != len(layout.header)]
    _check_share(len(bad), len(rows), f"not the {len(layout.header)} entries of the header", account)
    account.refuse(bad, "more or fewer entries than the header")
    numbers = pl.Series("row", [number for number, _ in good], dtype=pl.Int64)
    place = {name: layout.header.index(name) for name in layout.wanted}
    columns = {name: pl.Series([entries[at] or None for _, entries in good], dtype=pl.String) for name, at in place.items()}
    frame = pl.DataFrame([numbers, *(column.alias(name) for name, column in columns.items())])
    for name, type_ in layout.wanted.items():
        if type_ in ("whole", "number"):
            frame = _numbered(frame, name, type_, account)
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


# ---------------------------------------------------------------------------------------------------------------------- types


def _numbered(frame: pl.DataFrame, name: str, type_: ColumnType, account: Account) -> pl.DataFrame:
    """The column as numbers; rows that hold something else are refused. 142345.0 is a whole number."""
    text = frame[name]
    found = text.str.strip_chars().cast(pl.Float64, strict=False)
    if type_ == "whole":
        whole = text.str.strip_chars().cast(pl.Int64, strict=False)
        found = pl.select(
            pl.coalesce(whole, pl.when(found == found.round()).then(found.cast(pl.Int64, strict=False)))
        ).to_series()
    return _without_faults(frame.with_columns(found.alias(name)), text, name, type_, account)


def _timed(frame: pl.DataFrame, names: Sequence[str], account: Account) -> pl.DataFrame:
    """The columns of times parsed; rows that hold something else are refused."""
    for name in names:
        text = frame[name]
        if text.dtype == pl.String:
            frame = _without_faults(frame.with_columns(times(text).alias(name)), text, name, "time", account)
    return frame


def times(text: pl.Series) -> pl.Series:
    """Times from text in any of the forms above, null where it is none of them.

    >>> times(pl.Series(["2101-05-01 10:30:00", "2101-05-01", "May"])).dt.day().to_list()
    [1, 1, None]
    """
    first = text.item(first_at) if (first_at := text.is_not_null().arg_max()) is not None and len(text) else None
    formats = sorted(_FORMATS, key=lambda form: form != "%Y-%m-%d") if first is not None and len(first) == 10 else _FORMATS
    found = text.str.to_datetime(formats[0], time_unit="us", strict=False)
    for form in formats[1:]:
        if found.null_count() == text.null_count():
            break
        found = pl.select(pl.coalesce(found, text.str.to_datetime(form, time_unit="us", strict=False))).to_series()
    return found.alias(text.name)


def _without_faults(frame: pl.DataFrame, text: pl.Series, name: str, type_: ColumnType, account: Account) -> pl.DataFrame:
    """The rows where `name` was understood, or was empty to begin with."""
    if frame[name].null_count() == text.null_count():
        return frame
    faulty = frame[name].is_null() & text.is_not_null()
    _check_share(int(faulty.sum()), len(frame), f"not {_WORDS[type_]} in the column {name!r}", account, text.filter(faulty)[0])
    account.refuse(frame["row"].filter(faulty), f"not {_WORDS[type_]} in {name}")
    return frame.filter(~faulty)


def _check_share(bad: int, rows: int, what: str, account: Account, example: str = "") -> None:
    """Raises DataError where so many rows are at fault that the table is misread; it shows an entry's pattern, never one."""
    if bad > max(FAULTY_ROWS, FAULTY_SHARE * rows):
        pattern = "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in example[:30])
        hint = f"the first has the pattern {pattern!r}" if example else "is it separated by commas, with quotation marks?"
        raise DataError(f"{account.file}: {bad} of {rows} rows have {what}", hint=hint)


# -------------------------------------------------------------------------------------------------------------------- parquet


def _parquet(
    path: Path, required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account
) -> Iterator[pl.DataFrame]:
    row = 1
    try:
        opened = pq.ParquetFile(path)
        actual = {name.lower(): name for name in opened.schema_arrow.names}
        wanted = _found(list(actual), required, optional, account)
        layout = _Layout(tuple(actual), wanted, {name: type_ for name, type_ in optional.items() if name not in wanted})
        for batch in opened.iter_batches(CHUNK_ROWS, columns=[actual[name] for name in wanted], use_threads=False):
            frame = cast(pl.DataFrame, pl.from_arrow(batch)).rename({actual[name]: name for name in wanted})
            account.read += len(frame)
            rows = pl.int_range(row, row + len(frame), eager=True).alias("row")
            row += len(frame)
            frame = _conformed(frame.with_columns(rows), wanted, account)
            yield layout.finished(frame.drop("row"), frame["row"])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{account.file} is a damaged Parquet file: {error}", hint="copy or download it again") from error


def _conformed(frame: pl.DataFrame, wanted: Mapping[str, ColumnType], account: Account) -> pl.DataFrame:
    """The columns in their types. Raises DataError for numbers where codes should be, and for types that cannot be taken."""
    for name, type_ in wanted.items():
        column = frame[name]
        if column.dtype == pl.String and type_ in ("whole", "number"):
            frame = _numbered(frame, name, type_, account)
        elif column.dtype == pl.String:
            frame = frame.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name))
        else:
            frame = frame.with_columns(_cast(column, type_, account).alias(name))
    return frame


def _cast(column: pl.Series, type_: ColumnType, account: Account) -> pl.Series:
    given = column.dtype
    if type_ == "code" and given.is_numeric():
        raise DataError(
            f"{account.file} has numbers ({given}) for the codes in {column.name!r}", hint="leading zeros are lost; write text"
        )
    if given == pl.Null or (type_ == "time") == given.is_temporal():
        if type_ == "whole" and given.is_float() and not (column.drop_nulls() % 1 == 0).all():
            raise DataError(f"{account.file} has fractions in {column.name!r}, expected whole numbers")
        return _utc(column).cast(TYPES[type_])
    raise DataError(f"{account.file} has {given} in {column.name!r}, expected {_WORDS[type_]}")


def _utc(column: pl.Series) -> pl.Series:
    """The column, without its time zone where it has one."""
    zoned = getattr(column.dtype, "time_zone", None)
    return column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else column
