"""The rows of CSV files as text, with the file and row that each is from."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers._csv_mapping import Table, columns
from sequela.registry import nearest
from sequela.types import Array

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"]
SEPARATORS = ",;\t|"


def opened(table: Table, files: Sequence[str], source: Source, sink: Sink) -> Iterator[pl.DataFrame]:
    """The columns wanted of each file as text, with `#where` (file and row) and `#subject`; missing entries are null."""
    for number, name in enumerate(files):
        sink.progress(number, len(files))
        text = text_of(name, source.read(name))
        if not text.strip():
            sink.refuse(name, "the file is empty")
            continue
        frame = _rows(table, name, text, sink)
        bare = frame["#subject"].is_null()
        refuse(frame.filter(bare), f"no subject in the column {table.subject!r}", sink)
        yield frame.filter(~bare)
    sink.progress(len(files), len(files))


def text_of(name: str, content: bytes) -> bytes:
    """The text of a file, unzipped, in UTF-8, with a line feed at the end of each line. Raises DataError where it is none."""
    try:
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        content.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name} is a damaged gzip file: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is not a text file in UTF-8 (byte {error.start})", hint="is it a spreadsheet or a picture?"
        ) from error
    return content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"


def header(text: bytes, separator: str = "") -> tuple[str, list[str]]:
    """The separator, if need be the commonest of , ; tab | in the first line, and the names of the columns."""
    first = text.partition(b"\n")[0].decode()
    separator = separator or max(SEPARATORS, key=first.count)
    return separator, next(csv.reader([first], delimiter=separator))


def _rows(table: Table, name: str, text: bytes, sink: Sink) -> pl.DataFrame:
    separator, found = header(text, table.separator)
    for column in columns(table):
        if column not in found:
            raise DataError(f"{name} has no column {column!r}", hint=nearest(column, found))
    frame = rows(name, text, separator, columns(table), sink)
    return frame.with_columns(pl.col(table.subject).alias("#subject"))


def rows(name: str, text: bytes, separator: str, wanted: Sequence[str], sink: Sink) -> pl.DataFrame:
    """These columns as text, with `#where` (file and row); rows of more or fewer entries than the header are refused."""
    text, numbers = _even(name, text, separator, sink)
    frame = pl.read_csv(text, separator=separator, infer_schema=False, null_values=MISSING, encoding="utf8")
    where = pl.Series("#where", numbers).cast(pl.String)
    told = frame.select(pl.col(column).str.strip_chars() for column in wanted)
    return told.with_columns((pl.lit(f"{name} row ") + where).alias("#where"))


def _even(name: str, text: bytes, separator: str, sink: Sink) -> tuple[bytes, Array]:
    """The table without the rows that have too few or too many entries, and the row number of each that is left."""
    if b'"' not in text:
        bounds = np.frombuffer(text, dtype=np.uint8)
        ends = np.flatnonzero(bounds == ord("\n"))
        entries = np.diff(np.searchsorted(np.flatnonzero(bounds == ord(separator)), ends), prepend=0)
        if (entries == entries[0]).all():
            return text, np.arange(2, len(ends) + 1)
    rows = list(csv.reader(io.StringIO(text.decode()), delimiter=separator))
    kept = io.StringIO()
    writer = csv.writer(kept, delimiter=separator, lineterminator="\n")
    numbers = []
    for number, row in enumerate(rows, start=1):
        if len(row) == len(rows[0]):
            writer.writerow(row)
            numbers.append(number)
        elif row:
            sink.refuse(f"{name} row {number}", "more or fewer entries than the header")
    return kept.getvalue().encode(), np.array(numbers[1:], dtype=np.int64)


def refuse(rows: pl.DataFrame, reason: str, sink: Sink) -> None:
    """Refuses each of these rows by its file and row."""
    for where in rows["#where"]:
        sink.refuse(where, reason)


def visit_number(name: str) -> int:
    """The number of a visit: its name where that is one, of any other name one that is the same wherever the name stands."""
    if name.isdecimal() and len(name) < 19 and str(int(name)) == name:
        return int(name)
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) >> 1
