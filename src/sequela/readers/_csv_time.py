"""The times of a table in UTC: timestamps with an offset, timestamps of a declared zone, or numbers counted from a start."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.readers._csv_mapping import Table
from sequela.readers._csv_rows import refuse

ANCHOR = datetime(2000, 1, 1)  # where times that are numbers start
FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
OFFSET = r"\s*(Z|[+-]\d{2}:?\d{2})$"
_MICROSECONDS = {"days": 86_400e6, "hours": 3_600e6, "minutes": 60e6, "seconds": 1e6, "milliseconds": 1e3}


def timed(table: Table, frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """With the columns `moment` and `#known` in UTC: null without a time, the latter also where none is said."""
    if not table.time:
        return frame.with_columns(pl.lit(None, pl.Datetime("us")).alias(name) for name in ("moment", "#known"))
    if table.event and (without := frame[table.time].null_count()):
        sink.note(f"rows without a time in the column {table.time!r}: no {table.event}", without)
        frame = frame.filter(pl.col(table.time).is_not_null())
    frame = frame.with_columns(_moments(table, table.time, frame, sink).alias("moment"))
    bad = frame["moment"].is_null()
    refuse(frame.filter(bad), f"no time that can be read in the column {table.time!r}", sink)
    return _with_known(table, frame.filter(~bad), sink)


def _with_known(table: Table, frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    if not table.known:
        return frame.with_columns(pl.lit(None, pl.Datetime("us")).alias("#known"))
    moments = _moments(table, table.known, frame, sink)
    bad = moments.is_null() & frame[table.known].is_not_null()
    refuse(frame.filter(bad), f"no time that can be read in the column {table.known!r}", sink)
    return frame.with_columns(moments.alias("#known")).filter(~bad)


def _moments(table: Table, column: str, frame: pl.DataFrame, sink: Sink) -> pl.Series:
    return _counted(table, column, frame, sink) if table.time_unit else _stamped(table, column, frame)


def _counted(table: Table, column: str, frame: pl.DataFrame, sink: Sink) -> pl.Series:
    sink.relative_times()
    since = frame[column].cast(pl.Float64, strict=False) * _MICROSECONDS[table.time_unit]
    since = since.set(~since.is_finite().fill_null(False), None)
    return pl.select(pl.lit(ANCHOR, pl.Datetime("us")) + since.round().cast(pl.Int64).cast(pl.Duration("us"))).to_series()


def _stamped(table: Table, column: str, frame: pl.DataFrame) -> pl.Series:
    """Timestamps in UTC. Raises DataError where the zone of any is not known."""
    text = frame[column]
    offset = text.str.extract(OFFSET, 1)
    _check_zone(table, column, frame, text.is_not_null() & offset.is_null(), offset.is_not_null())
    local = _local(table, text.str.replace(OFFSET, ""))
    if offset.null_count() < len(offset):
        return local - _ahead(offset)
    zoned = local.dt.replace_time_zone(table.timezone or "UTC", ambiguous="null", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _check_zone(table: Table, column: str, frame: pl.DataFrame, naive: pl.Series, explicit: pl.Series) -> None:
    if not naive.any():
        return
    first = frame["#where"].filter(naive)[0]
    if explicit.any():
        raise DataError(
            f"the column {column!r} mixes times with an offset ({frame['#where'].filter(explicit)[0]}) and without ({first})",
            hint="give every time its offset, or none and the timezone of all",
        )
    if not table.timezone:
        raise DataError(
            f"the times in the column {column!r} have no offset ({first}), and the mapping names no timezone",
            hint='add timezone = "Europe/Berlin" (or where they were written, or "UTC") to the mapping',
        )


def _local(table: Table, text: pl.Series) -> pl.Series:
    formats = [table.time_format] if table.time_format else FORMATS
    plain = text if table.time_format else text.str.replace("T", " ", literal=True)
    read = [plain.str.to_datetime(form, time_unit="us", strict=False) for form in formats]
    return pl.select(pl.coalesce(read)).to_series()


def _ahead(offset: pl.Series) -> pl.Series:
    """How far a local time with this offset (Z, +02:00, -0330) is ahead of UTC."""
    digits = offset.str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True)
    minutes = digits.str.slice(1, 2).cast(pl.Int64) * 60 + digits.str.slice(3, 2).cast(pl.Int64)
    signs = digits.str.starts_with("-").cast(pl.Int64) * -2 + 1
    return (minutes * signs * 60_000_000).cast(pl.Duration("us"))
