"""MEDS datasets of others: data/**/*.parquet and, where there, metadata/codes.parquet and metadata/subject_splits.parquet.

Codes keep their names. Their kinds come from a column `kind` of the code table where there is one (our own stores have it), else
from `kinds` in the options, else from the events: deaths and readmissions are outcomes, codes that never have a time are static,
codes that have a number are measurements, the rest are events. Broader codes are those of `parent_codes`.

The visit of an event is the column `visit` (our own stores have it) or the one that the options name, as `hadm_id` or `visit_id`.
Our own columns `available` and `superseded` are kept, so that what was not known stays unknown; of others' datasets an event is
known from its own time on. Payloads are not followed. The other way is the store itself: it is MEDS, and `dataset.json` says
which columns are more than that.

Source: Medical Event Data Standard, package `meds` 0.4, schema.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sequela.config import Strict
from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.store.schema import EVENTS, PART_OF, CodeKind

VERSION = 2

_REQUIRED = ("subject_id", "time", "code")
_OPTIONAL = ("numeric_value", "text_value", "visit", "available", "superseded")
_OUTCOMES = ("MEDS_DEATH", "DEATH", "READMISSION")


class Config(Strict, frozen=True):
    """How codes are told apart."""

    kinds: dict[str, CodeKind] = {}  # noqa: RUF012  (msgspec copies it) code, or with a trailing * the start of codes -> kind
    visit: str = ""  # the column that tells the visits of a subject apart, of whole numbers or text; left out: visit, if there


@dataclass(frozen=True)
class Meds:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Raises DataError where there is no data folder, or a file has not the columns of MEDS."""
        names = [name for name in source.files("**/*.parquet") if name.startswith("data/") or "/data/" in name]
        if not names:
            raise DataError(f"{source.name} is no MEDS dataset: it has no data/*.parquet")
        usage = [_read_shard(name, source, sink, self.config.visit) for name in _counted(names, sink)]
        _declare(_merged(usage), _described(source), self.config.kinds, sink)
        _read_splits(source, sink)


def build(config: Config) -> Reader:
    return Meds(config)


def _counted(names: Sequence[str], sink: Sink) -> Sequence[str]:
    sink.progress(0, len(names))
    return names


def _read_shard(name: str, source: Source, sink: Sink, visit: str) -> pl.DataFrame:
    """Emits a shard; comes back with how each code is used: has it a time, has it a number."""
    frame = _shard(name, source, visit)
    bad = frame.filter(pl.col("subject_id").is_null() | pl.col("code").is_null())
    for _ in range(len(bad)):
        sink.refuse(name, "an event without a subject or a code")
    good = frame.filter(pl.col("subject_id").is_not_null() & pl.col("code").is_not_null())
    sink.events(good.select(pl.col("subject_id").cast(pl.String).alias("source_id"), "time", "code", *_OPTIONAL))
    sink.accept(len(good))
    return good.group_by("code").agg(
        timed=pl.col("time").is_not_null().any(), numbered=pl.col("numeric_value").is_not_null().any()
    )


def _shard(name: str, source: Source, visit: str) -> pl.DataFrame:
    try:
        table = pq.read_table(source.path(name))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name} is not Parquet, or damaged: {error}") from error
    missing = [column for column in _REQUIRED if column not in table.column_names]
    if missing:
        raise DataError(f"{name} lacks the column {missing[0]!r} of MEDS", hint=f"it has {', '.join(table.column_names)}")
    if visit:
        table = _with_visit(name, table, visit)
    try:
        columns = [_column(table, column) for column in (*_REQUIRED, *_OPTIONAL)]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{name} has columns of other types than MEDS has: {error}", hint=f"expected {EVENTS}") from error
    return pl.DataFrame(pa.table(columns, names=[*_REQUIRED, *_OPTIONAL]))


def _column(table: pa.Table, column: str) -> pa.ChunkedArray:
    """The column in its MEDS type; null throughout where an optional one is left out."""
    type_ = EVENTS.field(column).type
    if column not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), type_)])
    return table.column(column).cast(type_)


def _with_visit(name: str, table: pa.Table, visit: str) -> pa.Table:
    """The table with the named column as `visit`; text is numbered, which tells the visits of one subject apart as well."""
    if visit not in table.column_names:
        raise DataError(f"{name} has no column {visit!r} for the visits", hint=f"it has {', '.join(table.column_names)}")
    column = pl.Series(pl.from_arrow(table.column(visit)))
    if column.dtype in (pl.String(), pl.Categorical()):
        column = column.cast(pl.String).rank("dense").cast(pl.Int64)
    kept = [name for name in table.column_names if name != "visit"]
    return table.select(kept).append_column("visit", column.to_arrow(compat_level=pl.CompatLevel.oldest()))


def _merged(usage: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(usage).group_by("code").agg(pl.col("timed").any(), pl.col("numbered").any()).sort("code")


@dataclass(frozen=True, slots=True)
class _Description:
    """What the code table says of a code; "" and () where it says nothing."""

    description: str = ""
    kind: str = ""
    unit: str = ""
    parents: tuple[str, ...] = ()


def _described(source: Source) -> Mapping[str, _Description]:
    names = source.files("**/metadata/codes.parquet")
    if not names:
        return {}
    frame = pl.read_parquet(source.path(names[0]))
    known = [column for column in ("description", "kind", "unit") if column in frame.columns]
    parents = frame["parent_codes"].to_list() if "parent_codes" in frame.columns else [None] * len(frame)
    rows = zip(frame.select("code", *known).iter_rows(named=True), parents, strict=True)
    return {
        row["code"]: _Description(**{key: row[key] or "" for key in known}, parents=tuple(broader or ())) for row, broader in rows
    }


def _declare(usage: pl.DataFrame, described: Mapping[str, _Description], kinds: Mapping[str, CodeKind], sink: Sink) -> None:
    for code, timed, numbered in usage.iter_rows():
        says = described.get(code, _Description())
        kind = _chosen(code, kinds) or says.kind or _inferred(code, timed, numbered)
        sink.code(code, kind, unit=says.unit, description=says.description, parents=says.parents)


def _chosen(code: str, kinds: Mapping[str, CodeKind]) -> str:
    """The kind that the options give, the longest matching pattern first."""
    matching = [name for name in kinds if name == code or (name.endswith("*") and code.startswith(name[:-1]))]
    return kinds[max(matching, key=len)] if matching else ""


def _inferred(code: str, timed: bool, numbered: bool) -> CodeKind:
    if code.startswith(_OUTCOMES):
        return "outcome"
    if not timed:
        return "static"
    return "measurement" if numbered else "event"


def _read_splits(source: Source, sink: Sink) -> None:
    names = source.files("**/metadata/subject_splits.parquet")
    if not names:
        return
    other = 0
    for subject, split in pl.read_parquet(source.path(names[0])).select("subject_id", "split").iter_rows():
        if split in PART_OF:
            sink.part(str(subject), PART_OF[split])
        else:
            other += 1
    if other:
        sink.note("subjects in a split that is none of train, tuning, held_out: left without a part", other)
