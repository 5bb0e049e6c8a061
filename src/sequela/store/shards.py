"""Events on their way into Parquet: numbered, spilled while they exceed memory, sorted and sharded by subject.

Subjects and codes get running numbers as they appear, and a column is kept only where it says something. At the end the numbers
become subject ids, the ids are cut into ranges of about SHARD_ROWS events, spilled parts are dealt out to those ranges, and each
range is sorted and written: no more than one spill and one shard are in memory at a time (a single subject is never cut).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sequela.errors import DataError
from sequela.store.schema import EVENTS
from sequela.types import Array

SPILL_ROWS, SPILL_BYTES = 750_000, 2**26  # whichever is reached first
SHARD_ROWS = 250_000
DEALT_ROWS = 150_000  # of a spill that are taken apart at once
PART_ROWS = 2**17  # of spilled events, dealt out at once
MOST_SHARDS = 256  # files open at once while spilled events are dealt out
ROW_GROUP = 2**17

GIVEN: dict[str, pl.DataType] = {  # the columns of events as readers give them
    "source_id": pl.String(),
    "time": pl.Datetime("us"),
    "code": pl.String(),
    "numeric_value": pl.Float32(),
    "text_value": pl.String(),
    "payload": pl.String(),
    "visit": pl.Int64(),
    "available": pl.Datetime("us"),
    "superseded": pl.Datetime("us"),
}
_NUMBERED = ("subject", "code")
_OPTIONAL = ("numeric_value", "text_value", "payload", "visit", "available", "superseded")
_TIMES = ("time", "available", "superseded")
_HELD = {name: pl.UInt32() for name in _NUMBERED} | {name: GIVEN[name] for name in ("time", *_OPTIONAL)}
_OFTEN_EQUAL = ["code", "numeric_value"]  # the columns that a dictionary makes small
_SOUGHT = ["subject_id", "time"]  # the columns by which row groups are skipped


@dataclass
class _Categories:
    """The running numbers of codes that come as categories, by the number of the category."""

    _of: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # -1: not seen
    _last: pl.Series | None = None  # polars forgets the categories' numbers with the last column that has them

    def numbers(self, column: pl.Series, known: dict[str, int]) -> pl.Series:
        """As _number."""
        if column.null_count():
            return _number(column, known)
        categories = column.to_physical().to_numpy()
        missing = int(categories.max()) + 1 - len(self._of)
        if missing > 0:
            self._of = np.append(self._of, np.full(missing, -1))
        found = self._of[categories]
        if (new := found < 0).any():
            distinct = column.filter(new).unique(maintain_order=True)
            self._of[distinct.to_physical().to_numpy()] = _number(distinct, known).to_numpy()
            found = self._of[categories]
        self._last = column.clear()
        return pl.Series(found.astype(np.uint32))


@dataclass
class _Integers:
    """The running numbers of subjects that come as integers, mostly in runs; those of recent rows are at hand."""

    _recent: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # rising
    _numbers: Array = field(default_factory=lambda: np.empty(0, dtype=np.uint32))

    def numbers(self, column: pl.Series, known: dict[str, int]) -> pl.Series:
        """As _number."""
        if column.dtype != pl.Int64 or column.null_count():
            return _number(column, known)
        values = column.to_numpy()
        first = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
        return pl.Series(np.repeat(self._of(values[first], known), np.diff(first, append=len(values))))

    def _of(self, values: Array, known: dict[str, int]) -> Array:
        place = np.searchsorted(self._recent, values)
        if place.max() < len(self._recent) and (self._recent[place] == values).all():
            return self._numbers[place]
        numbers = _number(pl.Series("source_id", values), known).to_numpy()
        self._recent, at = np.unique(values, return_index=True)
        self._numbers = numbers[at]
        return numbers


@dataclass
class Shards:
    """Takes events in any order and writes them as shards under `folder`/data."""

    folder: Path
    numbers: dict[str, int] = field(default_factory=dict)  # source id -> running number
    codes: dict[str, int] = field(default_factory=dict)  # code -> running number
    not_finite: int = 0  # numbers that were NaN or infinite and became null
    rows: int = 0
    spill_rows: int = SPILL_ROWS
    shard_rows: int = SHARD_ROWS
    spill_bytes: int = SPILL_BYTES
    _columns: set[str] = field(default_factory=lambda: {*_NUMBERED, "time"})  # those that ever said something
    _of_category: _Categories = field(default_factory=_Categories)
    _of_integer: _Integers = field(default_factory=_Integers)
    _held: list[pl.DataFrame] = field(default_factory=list)
    _held_rows: int = 0
    _held_bytes: int = 0
    _parts: list[Path] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        """Adds events as Sink.events takes them. Raises DataError for a wrong column, a missing subject or a missing code."""
        if frame.is_empty():
            return
        clean = self._numbered(self._finite(_conformed(frame)))
        self._columns.update(clean.columns)
        self.rows += len(clean)
        self._held.append(clean)
        self._held_rows += len(clean)
        self._held_bytes += int(clean.estimated_size())
        if self._held_rows >= self.spill_rows or self._held_bytes >= self.spill_bytes:
            self._spill()

    def write(self, subject_ids: Array) -> Events:
        """What was written; subject_ids[number] is the id of each running number."""
        counts = np.zeros(len(subject_ids), dtype=np.int64)
        for part in self._each():
            counts += np.bincount(part["subject"].to_numpy(), minlength=len(subject_ids))
        shard_of = _ranges(subject_ids, counts, max(self.shard_rows, self.rows // MOST_SHARDS))
        names, rank = _ranked(self.codes)
        found = Events(set(self.codes))
        (self.folder / "data").mkdir()
        for shard, ready in enumerate(self._sorted(_Subjects.of(subject_ids), shard_of, rank)):
            found.add(ready)
            _write(ready, names, self.folder / "data" / f"{shard:04d}.parquet")
            del ready  # before the next shard is made
        shutil.rmtree(self._spills, ignore_errors=True)
        return found

    @property
    def _spills(self) -> Path:
        return self.folder / "spilled"

    def _finite(self, frame: pl.DataFrame) -> pl.DataFrame:
        if "numeric_value" not in frame.columns:
            return frame
        finite = frame["numeric_value"].is_finite()
        if finite.all():
            return frame
        self.not_finite += len(finite) - int(finite.sum() or 0) - finite.null_count()
        return frame.with_columns(pl.when(finite).then("numeric_value").alias("numeric_value"))

    def _numbered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """With running numbers for subjects and codes."""
        code = frame["code"]
        numbers = self._of_category.numbers(code, self.codes) if code.dtype == pl.Categorical else _number(code, self.codes)
        subject = self._of_integer.numbers(frame["source_id"], self.numbers).alias("subject")
        return pl.DataFrame([subject, numbers.alias("code"), *frame.drop("source_id", "code").iter_columns()])

    def _spill(self) -> None:
        self._spills.mkdir(exist_ok=True)
        for part in pl.concat(self._held, how="diagonal").iter_slices(PART_ROWS):
            path = self._spills / f"{len(self._parts):05d}.arrow"
            part.write_ipc(path, compression="lz4")
            self._parts.append(path)
        self._held.clear()
        self._held_rows = self._held_bytes = 0

    def _each(self) -> Iterator[pl.DataFrame]:
        for path in self._parts:
            yield pl.read_ipc(path, columns=["subject"])
        yield from self._held

    def _sorted(self, subjects: _Subjects, shard_of: Array, rank: Array) -> Iterator[pl.DataFrame]:
        """The events of each shard in turn, in their order."""
        if self._parts:
            for path in self._deal(shard_of, int(shard_of.max()) + 1):
                yield _sorted(pl.read_ipc_stream(path), subjects, rank)
                path.unlink()
            return
        whole = pl.concat(self._held, how="diagonal")
        self._held.clear()
        which = shard_of[whole["subject"].to_numpy()]
        for shard in range(int(shard_of.max()) + 1):
            yield _sorted(whole.filter(pl.Series(which == shard)), subjects, rank)

    def _deal(self, shard_of: Array, shards: int) -> list[Path]:
        """A file for each shard with its events in the order in which they came."""
        if self._held:
            self._spill()
        paths = [self._spills / f"shard-{shard}.arrow" for shard in range(shards)]
        empty = self._whole(pl.DataFrame(schema=_HELD)).to_arrow(compat_level=pl.CompatLevel.oldest())
        with ExitStack() as files:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            writers = [files.enter_context(pa.ipc.new_stream(path, empty.schema, options=options)) for path in paths]
            for path in self._parts:
                part = self._whole(pl.read_ipc(path))
                which = pl.Series("shard", shard_of[part["subject"].to_numpy()])
                for (shard,), piece in part.with_columns(which).partition_by("shard", include_key=False, as_dict=True).items():
                    writers[int(str(shard))].write_table(piece.to_arrow(compat_level=pl.CompatLevel.oldest()))
                path.unlink()
        return paths

    def _whole(self, frame: pl.DataFrame) -> pl.DataFrame:
        """With every column that any event of this store fills."""
        return frame.select(
            pl.col(name) if name in frame.columns else pl.lit(None, type_).alias(name)
            for name, type_ in _HELD.items()
            if name in self._columns
        )


@dataclass(frozen=True)
class _Subjects:
    """The subjects in the order of their ids."""

    rising: Array  # ids
    place: Array  # of each running number

    @classmethod
    def of(cls, ids: Array) -> _Subjects:
        order = np.argsort(ids)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return cls(ids[order], place)


@dataclass
class Events:
    """What the shards hold: a digest that does not depend on where they are cut, and the codes that occur."""

    codes: set[str] = field(default_factory=set)
    rows: int = 0
    _streams: dict[str, hashlib._Hash] = field(default_factory=dict)

    def add(self, frame: pl.DataFrame) -> None:
        """Counts and hashes events; their codes are ranks among all codes, which the store's digest lists besides."""
        self.rows += len(frame)
        for name in frame.columns:
            for stream, content in _streams(frame[name]):
                self._streams.setdefault(f"{name} {stream}", hashlib.sha256()).update(content)

    def digest(self) -> bytes:
        """Each column's nulls, lengths and values are streams of their own, so cutting them elsewhere changes nothing."""
        return b"".join(name.encode() + self._streams[name].digest() for name in sorted(self._streams))


def _conformed(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of Sink.events in their order and types; those that say nothing are left out."""
    unknown = set(frame.columns) - set(GIVEN)
    missing = set(GIVEN) - set(_OPTIONAL) - set(frame.columns)
    if unknown or missing:
        raise DataError(f"events have unknown columns {sorted(unknown)} or lack {sorted(missing)}; expected {list(GIVEN)}")
    _check_zones(frame.schema)
    return frame.select(
        _as_given(name, frame.schema[name]) for name in GIVEN if name in frame.columns and not _says_nothing(name, frame[name])
    )


def _as_given(name: str, type_: pl.DataType) -> pl.Expr:
    """The column in its type; names that are integers or categories already are numbered as they are."""
    quick = {"source_id": pl.Int64(), "code": pl.Categorical()}
    if type_ in (quick.get(name), GIVEN[name]):
        return pl.col(name)
    whole = pl.col(name).dt.replace_time_zone(None) if getattr(type_, "time_zone", None) else pl.col(name)
    return whole.cast(GIVEN[name])


def _says_nothing(name: str, column: pl.Series) -> bool:
    return name in _OPTIONAL and column.null_count() == len(column)


def _check_zones(schema: pl.Schema) -> None:
    """Raises DataError for times of any other zone than UTC."""
    zones = [getattr(schema[name], "time_zone", None) for name in _TIMES if name in schema]
    if other := [zone for zone in zones if zone not in (None, "UTC")]:
        raise DataError(f"events have times in {other[0]}; a reader gives UTC")


def _number(column: pl.Series, known: dict[str, int]) -> pl.Series:
    """A column of names as running numbers; new names are given the next ones. Raises DataError where a name is missing."""
    distinct = column.unique(maintain_order=True)
    names = distinct.cast(pl.String).to_list()
    if None in names or "" in names:
        missing = int((column.is_null() | (column.cast(pl.String) == "").fill_null(False)).sum())
        raise DataError(f"{missing} of {len(column)} events have no {column.name}")
    new = [name for name in names if name not in known]
    known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
    numbers = pl.Series([known[name] for name in names], dtype=pl.UInt32)
    return numbers if len(distinct) == len(column) else column.replace_strict(distinct, numbers, return_dtype=pl.UInt32)


def _ranked(codes: dict[str, int]) -> tuple[pa.Array, Array]:
    """All codes, sorted, and the rank of each running number."""
    names = sorted(codes)
    rank = np.empty(len(names), dtype=np.int32)
    rank[[codes[name] for name in names]] = np.arange(len(names))
    return pl.Series(names).to_arrow(compat_level=pl.CompatLevel.oldest()), rank


def _ranges(subject_ids: Array, counts: Array, rows: int) -> Array:
    """The shard of each running number: subjects in the order of their ids, cut every `rows` events."""
    order = np.argsort(subject_ids)
    before = np.cumsum(counts[order]) - counts[order]
    shard = np.empty(len(order), dtype=np.int64)
    _, shard[order] = np.unique(before // rows, return_inverse=True)
    return shard


def _sorted(frame: pl.DataFrame, subjects: _Subjects, rank: Array) -> pl.DataFrame:
    """By subject, then time, those without time first, else in the order in which they came; codes are ranks."""
    place = subjects.place[frame["subject"].to_numpy()]
    order = _order(place, frame["time"].dt.timestamp("us"))
    ids = pl.Series("subject_id", subjects.rising[place[order]])
    codes = pl.Series("code", rank[frame["code"].to_numpy()[order]])
    return frame.drop("subject", "code")[order].with_columns(ids, codes)


def _order(place: Array, time: pl.Series) -> Array:
    """A stable order by place, then time, null first: of one integer for both where they fit into its 63 bits."""
    moments = time.to_numpy() if not time.null_count() else time.fill_null(time.min() or 0).to_numpy()
    since = moments - moments.min()
    if not (since % 1_000_000).any():
        since //= 1_000_000
    since += 1
    since[time.is_null().to_numpy()] = 0
    bits = int(since.max()).bit_length()
    if int(place.max()).bit_length() + bits > 63:
        return np.lexsort((since, place))
    return np.argsort((place << bits) | since, kind="stable")


def _write(frame: pl.DataFrame, names: pa.Array, path: Path) -> None:
    columns = {name: frame[name].to_arrow(compat_level=pl.CompatLevel.oldest()) for name in frame.columns}
    columns["code"] = pa.DictionaryArray.from_arrays(columns["code"], names).cast(pa.string())
    held = [columns[one.name].cast(one.type) if one.name in columns else pa.nulls(len(frame), one.type) for one in EVENTS]
    pq.write_table(
        pa.Table.from_arrays(held, schema=EVENTS), path, row_group_size=ROW_GROUP, compression="zstd", compression_level=1,
        use_dictionary=_OFTEN_EQUAL, write_statistics=_SOUGHT,
    )  # fmt: skip


def _streams(column: pl.Series) -> Iterator[tuple[str, Any]]:
    """The bytes of a column: which are null, and the values (of strings: their lengths and their text)."""
    yield "null", column.is_null().to_numpy().view(np.uint8)
    if column.dtype == pl.String:
        filled = column.fill_null("")
        yield "length", filled.str.len_bytes().to_numpy().astype("<u4").data
        yield "text", _text(filled)
    else:
        yield "value", np.ascontiguousarray(column.to_physical().fill_null(0).to_numpy()).data


def _text(column: pl.Series) -> memoryview:
    """The bytes of all strings end to end."""
    array = column.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return memoryview(data)[ends[0] : ends[-1]] if data else memoryview(b"")
