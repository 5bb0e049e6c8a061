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

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from sequela.readers._row_types import CHUNK_BYTES, CHUNK_ROWS, Account, ColumnType, with_times
from sequela.readers._rows_csv import csv_frames
from sequela.readers._rows_parquet import parquet_frames


def chunks(
    path: Path, required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account
) -> Iterator[pl.DataFrame]:
    """Frames of at most about CHUNK_ROWS rows: `row` (its number in the file), and the columns named, in small letters.

    An optional column that the file has not is null throughout. Raises DataError: a file that is empty, damaged or of another
    kind, a column that is not there, numbers for codes, most rows of a chunk without what a column should hold.
    """
    opened = (
        parquet_frames(path, required, optional, account) if _is_parquet(path) else csv_frames(path, required, optional, account)
    )
    types = {**required, **optional}
    timed = [name for name, type_ in types.items() if type_ == "time"]
    return _gathered(with_times(frame, timed, account) for frame in opened)


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
