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

`visit` names the column that tells the visits of a subject apart, `known` the one that says from when on a row is known where
that is after its time (a value stored later, a diagnosis coded at discharge). Several tables are given as `[[tables]]`. A row
that cannot be used is refused by file and row, where row 1 is the header. `_guess.py` makes a mapping from the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from sequela import units
from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.readers._csv_mapping import PARTS, Config, Table, labels, mapped
from sequela.readers._csv_rows import opened, refuse, visit_number
from sequela.readers._csv_time import ANCHOR, timed

__all__ = ["ANCHOR", "VERSION", "Config", "Csv", "Table", "build"]
VERSION = 1


@dataclass(frozen=True)
class Csv:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Raises ConfigError for a mapping that does not fit, DataError for a table that cannot be read."""
        mapping = mapped(self.config, source)
        codes = _Codes(sink)
        for table in mapping.tables or [mapping]:
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


# ---------------------------------------------------------------------------------------------------------------------- table


def _read_table(table: Table, source: Source, sink: Sink, codes: _Codes) -> None:
    files = source.files(table.file)
    if not files:
        raise DataError(f"{source.name} has no file {table.file!r}", hint=f"it has {', '.join(list(source.files())[:5])}")
    frames = opened(table, files, source, sink)
    if not table.time and not table.code:  # a table of samples is small, and a subject may stand in one file only
        held = list(frames)
        frames = iter([_without_duplicates(pl.concat(held), sink)] if held else [])
    for frame in frames:
        _emit(table, frame, sink, codes)


def _without_duplicates(frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """Where a subject has several rows, none can be told to be the right one: all are refused."""
    repeated = frame["#subject"].is_duplicated()
    refuse(frame.filter(repeated), "the subject has several rows in a table of one row a subject", sink)
    return frame.filter(~repeated)


def _emit(table: Table, frame: pl.DataFrame, sink: Sink, codes: _Codes) -> None:
    """Emits the events of all rows that can be used, and refuses the others."""
    frame = _parted(table, _visited(table, timed(table, frame, sink)), sink)
    if table.code or table.event:
        frame = _long(table, frame, sink, codes)
    for column in table.values:
        frame = _numbered(frame, column, sink)
    for column in table.values:
        frame = _measured(table, frame, column, sink, codes)
    for column in table.static:
        frame = _described(frame, column, codes)
    for column in labels(table):
        codes.declare(f"LABEL//{column}", "label")
        sink.events(_answers(frame, column, f"LABEL//{column}"))
    sink.accept(len(frame))


# ----------------------------------------------------------------------------------------------------------------------- time


# --------------------------------------------------------------------------------------------------------------------- values


def _visited(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """With the column `#visit`: a number as it is, of any other name one that is the same wherever the name stands."""
    if not table.visit:
        return frame.with_columns(pl.lit(None, pl.Int64).alias("#visit"))
    names = frame[table.visit].unique().drop_nulls()
    numbers = pl.Series([visit_number(name) for name in names], dtype=pl.Int64)
    return frame.with_columns(frame[table.visit].replace_strict(names, numbers, default=None).cast(pl.Int64).alias("#visit"))


def _parted(table: Table, frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    if not table.part:
        return frame
    parts = frame[table.part].replace_strict(PARTS, default=None, return_dtype=pl.String)
    refuse(frame.filter(parts.is_null()), f"the part is none of {', '.join(PARTS)}", sink)
    frame = frame.with_columns(parts.alias("assigned")).filter(parts.is_not_null())
    for subject, part in frame.select("#subject", "assigned").unique(maintain_order=True).iter_rows():
        sink.part(subject, part)
    return frame


def _long(table: Table, frame: pl.DataFrame, sink: Sink, codes: _Codes) -> pl.DataFrame:
    """Emits one event a row; comes back with the rows used."""
    frame = _coded(table, frame, sink)
    if table.value:
        frame = frame if table.text == table.value else _numbered(frame, table.value, sink)
    number = pl.col(table.value).cast(pl.Float64, strict=False) if table.value else pl.lit(None, pl.Float64)
    text = _text_of(table, number)
    frame = _converted(table, frame.with_columns(number=number, words=text), sink, codes)
    for code in frame["code"].unique(maintain_order=True):
        codes.declare(code, _kind(table))
    told = (table.value or table.text) and not table.event  # what is said of an event is not what makes it one
    empty = (pl.col("number").is_null() & pl.col("words").is_null()) if told else pl.lit(False)
    filled = frame.filter(~empty)
    if len(filled) < len(frame):
        sink.note("rows without a value, left out", len(frame) - len(filled))
    sink.events(_events(filled))
    return frame


def _coded(table: Table, frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """With the column `code`; rows that have none are refused."""
    if table.event:
        return frame.with_columns(code=pl.lit(table.event))
    refuse(frame.filter(pl.col(table.code).is_null()), "no code", sink)
    code = pl.concat_str(pl.lit(f"{table.system}//"), table.code) if table.system else pl.col(table.code)
    return frame.filter(pl.col(table.code).is_not_null()).with_columns(code=code)


def _kind(table: Table) -> str:
    if table.kind != "measurement":
        return table.kind
    if table.event and not table.value:
        return "event"
    return "measurement" if table.time else "static"


def _text_of(table: Table, number: pl.Expr) -> pl.Expr:
    if not table.text:
        return pl.lit(None, pl.String)
    return pl.when(number.is_null()).then(pl.col(table.text)) if table.text == table.value else pl.col(table.text)


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        source_id="#subject",
        time="moment",
        code="code",
        numeric_value="number",
        text_value="words",
        visit="#visit",
        available="#known",
    )


def _numbered(frame: pl.DataFrame, column: str, sink: Sink) -> pl.DataFrame:
    """The rows whose entry in this column is a number or missing."""
    wrong = frame[column].is_not_null() & frame[column].cast(pl.Float64, strict=False).is_null()
    refuse(frame.filter(wrong), f"no number in the column {column!r}", sink)
    return frame.filter(~wrong)


def _measured(table: Table, frame: pl.DataFrame, column: str, sink: Sink, codes: _Codes) -> pl.DataFrame:
    """Emits a column of a wide table; comes back with the rows used."""
    numbers = frame.with_columns(code=pl.lit(column), number=pl.col(column).cast(pl.Float64), words=pl.lit(None, pl.String))
    numbers = _converted(table, numbers, sink, codes)
    codes.declare(column, "measurement" if table.time else "static")
    sink.events(_events(numbers.filter(pl.col("number").is_not_null())))
    return frame.filter(pl.col("#where").is_in(numbers["#where"].implode()))


def _described(frame: pl.DataFrame, column: str, codes: _Codes) -> pl.DataFrame:
    """Emits what a column says of the subject; comes back with the rows used: those of subjects of whom it says one thing."""
    said = pl.col(column).drop_nulls().n_unique().over("#subject")
    refuse(frame.filter(said > 1), f"the column {column!r} differs between the rows of one subject", codes.sink)
    frame = frame.filter(said <= 1)
    codes.declare(column, "static")
    once = frame.filter(pl.col(column).is_not_null()).unique("#subject", keep="first", maintain_order=True)
    nothing = pl.lit(None, pl.Datetime("us"))
    timeless = once.with_columns(nothing.alias("moment"), nothing.alias("#known"), pl.lit(None, pl.Int64).alias("#visit"))
    codes.sink.events(_answers(timeless, column, column))
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
        refuse(rows, str(why[0]), sink)
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
