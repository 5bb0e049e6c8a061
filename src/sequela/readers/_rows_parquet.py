"""The rows of a Parquet file (see `_rows.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sequela.errors import DataError
from sequela.readers._row_types import CHUNK_ROWS, TYPES, WORDS, Account, ColumnType, Layout, wanted_columns, with_numbers


def parquet_frames(
    path: Path, required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account
) -> Iterator[pl.DataFrame]:
    """Frames of CHUNK_ROWS rows: `row`, the columns that are wanted, those that the file has not as nulls."""
    row = 1
    try:
        opened = pq.ParquetFile(path)
        actual = {name.lower(): name for name in opened.schema_arrow.names}
        wanted = wanted_columns(list(actual), required, optional, account)
        layout = Layout(tuple(actual), wanted, {name: type_ for name, type_ in optional.items() if name not in wanted})
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
            frame = with_numbers(frame, name, type_, account)
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
    raise DataError(f"{account.file} has {given} in {column.name!r}, expected {WORDS[type_]}")


def _utc(column: pl.Series) -> pl.Series:
    """The column, without its time zone where it has one."""
    zoned = getattr(column.dtype, "time_zone", None)
    return column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else column
