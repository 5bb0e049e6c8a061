"""Any table of events, measurements or samples, as CSV: a mapping says which column is what.

The mapping is the options of the study, or a file `sequela.toml` (or of another name) that lies with the tables:

    file     = "labs*.csv.gz"          # a table of events: one row a measurement
    subject  = "patient"
    time     = "drawn"
    timezone = "Europe/Berlin"
    code     = "test"
    value    = "result"
    unit     = "unit"

    file    = "patients.csv"           # a table of samples: one row a subject, no time
    subject = "id"
    values  = ["glucose", "bmi"]
    unit    = { glucose = "mmol/L" }
    static  = ["sex"]
    label   = "diabetes"

Several tables are given as `[[tables]]`. A row that cannot be used is refused by file and row, where row 1 is the header.
"""

from __future__ import annotations

import csv
import gzip
import io
import tomllib
import zlib
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
import polars as pl

from sequela import config, units
from sequela.config import Strict
from sequela.contracts import Reader, Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.types import Array

VERSION = 1
ANCHOR = datetime(2000, 1, 1)  # where times that are numbers start
MAPPING = "sequela.toml"
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"]
PARTS = {
    "train": "train", "training": "train", "tune": "tune", "tuning": "tune", "val": "tune", "valid": "tune", "validation": "tune",
    "dev": "tune", "test": "test", "held_out": "test",
}  # fmt: skip

TimeUnit = Literal["", "days", "hours", "minutes", "seconds", "milliseconds"]
_MICROSECONDS = {"days": 86_400e6, "hours": 3_600e6, "minutes": 60e6, "seconds": 1e6, "milliseconds": 1e3}
_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_OFFSET = r"\s*(Z|[+-]\d{2}:?\d{2})$"


class Table(Strict, frozen=True):
    """What the columns of one table are."""

    file: str = "*.csv*"  # a pattern of file names
    separator: str = ""  # left out: the commonest of , ; tab | in the header
    subject: str = ""
    time: str = ""  # left out: a table of samples (one row a subject), or of events without time
    time_unit: TimeUnit = ""  # for times that are numbers, counted from each subject's own start
    time_format: str = ""  # of timestamps that are not ISO 8601, as "%d.%m.%Y %H:%M"
    timezone: str = ""  # of timestamps without an offset, as "Europe/Berlin" or "UTC"
    code: str = ""  # the column that says what a row is about
    kind: Literal["measurement", "event", "outcome", "static", "score"] = "measurement"  # of the codes in the code column
    value: str = ""  # the number of a row
    text: str = ""  # the text of a row; may be the value column, whose entries that are not numbers are then text
    unit: str | dict[str, str] = ""  # the column with the unit; or column (or code) -> the unit its numbers are in
    values: tuple[str, ...] = ()  # columns that are a measurement each
    static: tuple[str, ...] = ()  # columns that describe the subject
    label: str | tuple[str, ...] = ()  # columns that are answers: LABEL//<column>
    part: str = ""  # the column that says train, tune or test


class Config(Table, frozen=True):
    """One table, or several, or the name of the mapping file among the source's files."""

    mapping: str = ""
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Csv:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Raises ConfigError for a mapping that does not fit, DataError for a table that cannot be read."""
        mapped = _mapped(self.config, source)
        codes = _Codes(sink)
        for table in mapped.tables or [mapped]:
            _read_table(table, source, sink, codes)


def build(config: Config) -> Reader:
    return Csv(config)


@dataclass
class _Codes:
    """Declares each code once, and keeps the unit in which each is emitted."""

    sink: Sink
    unit_of: dict[str, str] = field(default_factory=dict)

    def declare(self, code: str, kind: str) -> None:
        self.sink.code(code, kind, unit=self.unit_of.get(code, ""))


# -------------------------------------------------------------------------------------------------------------------- mapping


def _mapped(given: Config, source: Source) -> Config:
    """The mapping: the options, or the file that they name or that lies with the tables."""
    name = given.mapping or (MAPPING if not given.subject and not given.tables else "")
    mapped = _from_file(name, source) if name else given
    for table in mapped.tables or [mapped]:
        _check(table)
    return mapped


def _from_file(name: str, source: Source) -> Config:
    if name not in source.files():
        raise ConfigError(
            f"the mapping says no subject column, and {source.name} holds no {name}",
            hint="set subject, time, … in the reader's options, or give the folder that holds both the tables and the mapping",
        )
    try:
        return config.convert(tomllib.loads(source.read(name).decode()), Config, name)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the mapping {name} is not TOML: {error}") from error


def _check(table: Table) -> None:
    if not table.subject:
        raise ConfigError(f"the mapping of {table.file} does not say which column is the subject")
    if not (table.code or table.values or table.static or _labels(table) or table.part):
        raise ConfigError(
            f"the mapping of {table.file} takes nothing from it", hint="set code and value, or values, static, label"
        )
    if table.value and not table.code:
        raise ConfigError(f"the mapping of {table.file} has a value column and no code column", hint="use values for wide tables")
    if table.values and isinstance(table.unit, str) and table.unit:
        raise ConfigError(
            f"the mapping of {table.file} has one unit for several columns", hint='write unit = { glucose = "mmol/L" }'
        )
    if table.timezone and table.timezone not in zoneinfo.available_timezones():
        raise ConfigError(f"{table.timezone!r} is not a time zone", hint='write it as "Europe/Berlin" or "UTC"')
    if (table.time_unit or table.timezone or table.time_format) and not table.time:
        raise ConfigError(f"the mapping of {table.file} describes a time and names no time column")


def _labels(table: Table) -> tuple[str, ...]:
    return (table.label,) if isinstance(table.label, str) else table.label


def _columns(table: Table) -> list[str]:
    """Every column that the mapping names, once."""
    unit = [table.unit] if isinstance(table.unit, str) else []
    named = [table.subject, table.time, table.code, table.value, table.text, *unit, table.part]
    return list(dict.fromkeys(name for name in [*named, *table.values, *table.static, *_labels(table)] if name))


# ---------------------------------------------------------------------------------------------------------------------- table


def _read_table(table: Table, source: Source, sink: Sink, codes: _Codes) -> None:
    files = source.files(table.file)
    if not files:
        raise DataError(f"{source.name} has no file {table.file!r}", hint=f"it has {', '.join(list(source.files())[:5])}")
    frames = _opened(table, files, source, sink)
    if not table.time and not table.code:  # a table of samples is small, and a subject may stand in one file only
        held = list(frames)
        frames = iter([_without_duplicates(pl.concat(held), sink)] if held else [])
    for frame in frames:
        _emit(table, frame, sink, codes)


def _opened(table: Table, files: Sequence[str], source: Source, sink: Sink) -> Iterator[pl.DataFrame]:
    """The columns wanted of each file as text, with `where` (file and row) and `subject`; missing entries are null."""
    for number, name in enumerate(files):
        sink.progress(number, len(files))
        text = _text(name, source.read(name))
        if not text.strip():
            sink.refuse(name, "the file is empty")
            continue
        frame = _rows(table, name, text, sink)
        bare = frame["subject"].is_null()
        _refuse(frame.filter(bare), f"no subject in the column {table.subject!r}", sink)
        yield frame.filter(~bare)
    sink.progress(len(files), len(files))


def _text(name: str, content: bytes) -> bytes:
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


def _rows(table: Table, name: str, text: bytes, sink: Sink) -> pl.DataFrame:
    header = text.partition(b"\n")[0].decode()
    separator = table.separator or max(",;\t|", key=header.count)
    columns = next(csv.reader([header], delimiter=separator))
    for column in _columns(table):
        if column not in columns:
            raise DataError(f"{name} has no column {column!r}", hint=nearest(column, columns))
    text, rows = _even(name, text, separator, sink)
    frame = pl.read_csv(text, separator=separator, infer_schema=False, null_values=MISSING, encoding="utf8")
    where = pl.Series("where", rows).cast(pl.String)
    wanted = frame.select(pl.col(column).str.strip_chars() for column in _columns(table))
    return wanted.with_columns((pl.lit(f"{name} row ") + where).alias("where"), pl.col(table.subject).alias("subject"))


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


def _without_duplicates(frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """Where a subject has several rows, none can be told to be the right one: all are refused."""
    repeated = frame["subject"].is_duplicated()
    _refuse(frame.filter(repeated), "the subject has several rows in a table of one row a subject", sink)
    return frame.filter(~repeated)


def _refuse(rows: pl.DataFrame, reason: str, sink: Sink) -> None:
    for where in rows["where"]:
        sink.refuse(where, reason)


def _emit(table: Table, frame: pl.DataFrame, sink: Sink, codes: _Codes) -> None:
    """Emits the events of all rows that can be used, and refuses the others."""
    frame = _parted(table, _timed(table, frame, sink), sink)
    if table.code:
        frame = _long(table, frame, sink, codes)
    for column in table.values:
        frame = _numbered(frame, column, sink)
    for column in table.values:
        frame = _measured(table, frame, column, sink, codes)
    for column in table.static:
        frame = _described(frame, column, codes)
    for column in _labels(table):
        codes.declare(f"LABEL//{column}", "label")
        sink.events(_answers(frame, column, f"LABEL//{column}"))
    sink.accept(len(frame))


# ----------------------------------------------------------------------------------------------------------------------- time


def _timed(table: Table, frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """With the column `moment`, UTC; null in a table without time."""
    if not table.time:
        return frame.with_columns(moment=pl.lit(None, pl.Datetime("us")))
    moments = _counted(table, frame, sink) if table.time_unit else _stamped(table, frame)
    frame = frame.with_columns(moments.alias("moment"))
    bad = frame["moment"].is_null()
    _refuse(frame.filter(bad), f"no time that can be read in the column {table.time!r}", sink)
    return frame.filter(~bad)


def _counted(table: Table, frame: pl.DataFrame, sink: Sink) -> pl.Series:
    sink.relative_times()
    since = frame[table.time].cast(pl.Float64, strict=False) * _MICROSECONDS[table.time_unit]
    since = since.set(~since.is_finite().fill_null(False), None)
    return pl.select(pl.lit(ANCHOR, pl.Datetime("us")) + since.round().cast(pl.Int64).cast(pl.Duration("us"))).to_series()


def _stamped(table: Table, frame: pl.DataFrame) -> pl.Series:
    """Timestamps in UTC. Raises DataError where the zone of any is not known."""
    text = frame[table.time]
    offset = text.str.extract(_OFFSET, 1)
    _check_zone(table, frame, text.is_not_null() & offset.is_null(), offset.is_not_null())
    local = _local(table, text.str.replace(_OFFSET, ""))
    if offset.null_count() < len(offset):
        return local - _ahead(offset)
    zoned = local.dt.replace_time_zone(table.timezone or "UTC", ambiguous="null", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _check_zone(table: Table, frame: pl.DataFrame, naive: pl.Series, explicit: pl.Series) -> None:
    if not naive.any():
        return
    first = frame["where"].filter(naive)[0]
    if explicit.any():
        raise DataError(
            f"the column {table.time!r} mixes times with an offset ({frame['where'].filter(explicit)[0]}) and without ({first})",
            hint="give every time its offset, or none and the timezone of all",
        )
    if not table.timezone:
        raise DataError(
            f"the times in the column {table.time!r} have no offset ({first}), and the mapping names no timezone",
            hint='add timezone = "Europe/Berlin" (or where they were written, or "UTC") to the mapping',
        )


def _local(table: Table, text: pl.Series) -> pl.Series:
    formats = [table.time_format] if table.time_format else _FORMATS
    plain = text if table.time_format else text.str.replace("T", " ", literal=True)
    read = [plain.str.to_datetime(form, time_unit="us", strict=False) for form in formats]
    return pl.select(pl.coalesce(read)).to_series()


def _ahead(offset: pl.Series) -> pl.Series:
    """How far a local time with this offset (Z, +02:00, -0330) is ahead of UTC."""
    digits = offset.str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True)
    minutes = digits.str.slice(1, 2).cast(pl.Int64) * 60 + digits.str.slice(3, 2).cast(pl.Int64)
    signs = digits.str.starts_with("-").cast(pl.Int64) * -2 + 1
    return (minutes * signs * 60_000_000).cast(pl.Duration("us"))


# --------------------------------------------------------------------------------------------------------------------- values


def _parted(table: Table, frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    if not table.part:
        return frame
    parts = frame[table.part].replace_strict(PARTS, default=None, return_dtype=pl.String)
    _refuse(frame.filter(parts.is_null()), f"the part is none of {', '.join(PARTS)}", sink)
    frame = frame.with_columns(parts.alias("assigned")).filter(parts.is_not_null())
    for subject, part in frame.select("subject", "assigned").unique(maintain_order=True).iter_rows():
        sink.part(subject, part)
    return frame


def _long(table: Table, frame: pl.DataFrame, sink: Sink, codes: _Codes) -> pl.DataFrame:
    """Emits one event a row; comes back with the rows used."""
    _refuse(frame.filter(pl.col(table.code).is_null()), "no code", sink)
    frame = frame.filter(pl.col(table.code).is_not_null()).with_columns(code=pl.col(table.code))
    if table.value:
        frame = frame if table.text == table.value else _numbered(frame, table.value, sink)
    number = pl.col(table.value).cast(pl.Float64, strict=False) if table.value else pl.lit(None, pl.Float64)
    text = _text_of(table, number)
    frame = _converted(table, frame.with_columns(number=number, words=text), sink, codes)
    kind = "static" if table.kind == "measurement" and not table.time else table.kind
    for code in frame["code"].unique(maintain_order=True):
        codes.declare(code, kind)
    empty = (pl.col("number").is_null() & pl.col("words").is_null()) if table.value or table.text else pl.lit(False)
    filled = frame.filter(~empty)
    if len(filled) < len(frame):
        sink.note("rows without a value, left out", len(frame) - len(filled))
    sink.events(_events(filled))
    return frame


def _text_of(table: Table, number: pl.Expr) -> pl.Expr:
    if not table.text:
        return pl.lit(None, pl.String)
    return pl.when(number.is_null()).then(pl.col(table.text)) if table.text == table.value else pl.col(table.text)


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(source_id="subject", time="moment", code="code", numeric_value="number", text_value="words")


def _numbered(frame: pl.DataFrame, column: str, sink: Sink) -> pl.DataFrame:
    """The rows whose entry in this column is a number or missing."""
    wrong = frame[column].is_not_null() & frame[column].cast(pl.Float64, strict=False).is_null()
    _refuse(frame.filter(wrong), f"no number in the column {column!r}", sink)
    return frame.filter(~wrong)


def _measured(table: Table, frame: pl.DataFrame, column: str, sink: Sink, codes: _Codes) -> pl.DataFrame:
    """Emits a column of a wide table; comes back with the rows used."""
    numbers = frame.with_columns(code=pl.lit(column), number=pl.col(column).cast(pl.Float64), words=pl.lit(None, pl.String))
    numbers = _converted(table, numbers, sink, codes)
    codes.declare(column, "measurement" if table.time else "static")
    sink.events(_events(numbers.filter(pl.col("number").is_not_null())))
    return frame.filter(pl.col("where").is_in(numbers["where"].implode()))


def _described(frame: pl.DataFrame, column: str, codes: _Codes) -> pl.DataFrame:
    """Emits what a column says of the subject; comes back with the rows used: those of subjects of whom it says one thing."""
    said = pl.col(column).drop_nulls().n_unique().over("subject")
    _refuse(frame.filter(said > 1), f"the column {column!r} differs between the rows of one subject", codes.sink)
    frame = frame.filter(said <= 1)
    codes.declare(column, "static")
    once = frame.filter(pl.col(column).is_not_null()).unique("subject", keep="first", maintain_order=True)
    codes.sink.events(_answers(once.with_columns(moment=pl.lit(None, pl.Datetime("us"))), column, column))
    return frame


def _answers(frame: pl.DataFrame, column: str, code: str) -> pl.DataFrame:
    """The column as events: numbers where all of its entries are, else texts."""
    filled = frame.filter(pl.col(column).is_not_null())
    numbers = filled[column].cast(pl.Float64, strict=False)
    if numbers.null_count():
        return _events(filled.with_columns(code=pl.lit(code), number=pl.lit(None, pl.Float64), words=pl.col(column)))
    return _events(filled.with_columns(numbers.alias("number"), code=pl.lit(code), words=pl.lit(None, pl.String)))


# ---------------------------------------------------------------------------------------------------------------------- units


def _converted(table: Table, frame: pl.DataFrame, sink: Sink, codes: _Codes) -> pl.DataFrame:
    """The rows with `number` in one unit for each code; those whose unit cannot be converted are refused."""
    if not table.unit:
        return frame
    frame = frame.with_columns(given=_given_unit(table))
    pairs = frame.filter(pl.col("number").is_not_null()).select("code", "given").unique(maintain_order=True)
    ways = [_way(code, unit, codes) for code, unit in pairs.iter_rows()]
    ways_frame = pl.DataFrame(ways, schema={"factor": pl.Float64, "offset": pl.Float64, "why": pl.String}, orient="row")
    joined = frame.join(pairs.hstack(ways_frame), on=["code", "given"], how="left", nulls_equal=True, maintain_order="left")
    for why, rows in joined.filter(pl.col("why").is_not_null()).group_by("why", maintain_order=True):
        _refuse(rows, str(why[0]), sink)
    return joined.filter(pl.col("why").is_null()).with_columns(number=pl.col("number") * pl.col("factor") + pl.col("offset"))


def _given_unit(table: Table) -> pl.Expr:
    """The unit of each row: "" where its entry is missing, null where the mapping states none for its code."""
    if isinstance(table.unit, str):
        return pl.col(table.unit).fill_null("")
    return pl.col("code").replace_strict(table.unit, default=None, return_dtype=pl.String)


def _way(code: str, unit: str | None, codes: _Codes) -> tuple[float, float, str | None]:
    """Factor and offset from this unit to the one that the code is kept in; or why there is none."""
    if unit is None:
        return 1.0, 0.0, None
    if units.quantity(code) is None:
        kept = codes.unit_of.setdefault(code, unit)
        return 1.0, 0.0, None if kept == unit else f"{code} comes in {unit!r} and in {kept!r}, and no conversion is known"
    try:
        zero, one = units.to_standard(code, [0.0, 1.0], unit)
    except DataError as error:
        return 1.0, 0.0, f"{error.message} ({error.hint})"
    codes.unit_of[code] = units.standard_unit(code)
    return float(one - zero), float(zero), None
