"""Events on their way into Parquet: numbered, spilled while they exceed memory, sorted and sharded by subject.

Subjects and codes get running numbers as they appear, and a column is kept only where it says something. At the end the numbers
become subject ids, the ids are cut into ranges of about SHARD_ROWS events, spilled parts are dealt out to those ranges, and each
range is sorted and written: no more than one spill and one shard are in memory at a time (a single subject is never cut).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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

SPILL_ROWS = 250_000
SHARD_ROWS = 250_000
MOST_SHARDS = 256  # files open at once while spilled events are dealt out
ROW_GROUP = 2**17

_GIVEN: dict[str, pl.DataType] = {
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
_HELD = {name: pl.UInt32() for name in _NUMBERED} | {name: _GIVEN[name] for name in ("time", *_OPTIONAL)}
_OFTEN_EQUAL = ["code", "numeric_value"]  # the columns that a dictionary makes small
_SOUGHT = ["subject_id", "time"]  # the columns by which row groups are skipped


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
    _columns: set[str] = field(default_factory=lambda: {*_NUMBERED, "time"})  # those that ever said something
    _held: list[pl.DataFrame] = field(default_factory=list)
    _parts: list[Path] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        """Adds events as Sink.events takes them. Raises DataError for a wrong column, a missing subject or a missing code."""
        if frame.is_empty():
            return
        clean = self._numbered(self._finite(_conformed(frame)))
        self._columns.update(clean.columns)
        self.rows += len(clean)
        self._held.append(clean)
        if sum(map(len, self._held)) >= self.spill_rows:
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
        with _frugal():
            for shard, ready in enumerate(self._sorted(subject_ids, shard_of, rank)):
                found.add(ready)
                _write(ready, names, self.folder / "data" / f"{shard:04d}.parquet")
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
        subject, code = _number(frame["source_id"], self.numbers), _number(frame["code"], self.codes)
        return frame.drop("source_id").with_columns(subject.alias("subject"), code.alias("code"))

    def _spill(self) -> None:
        self._spills.mkdir(exist_ok=True)
        path = self._spills / f"{len(self._parts):05d}.arrow"
        pl.concat(self._held, how="diagonal").write_ipc(path, compression="lz4")
        self._held.clear()
        self._parts.append(path)

    def _each(self) -> Iterator[pl.DataFrame]:
        for path in self._parts:
            yield pl.read_ipc(path, columns=["subject"])
        yield from self._held

    def _sorted(self, subject_ids: Array, shard_of: Array, rank: Array) -> Iterator[pl.DataFrame]:
        """The events of each shard in turn, in their order."""
        if self._parts:
            for path in self._deal(shard_of, int(shard_of.max()) + 1):
                yield _sorted(pl.read_ipc_stream(path), subject_ids, rank)
                path.unlink()
            return
        whole = _sorted(pl.concat(self._held, how="diagonal"), subject_ids, rank)
        self._held.clear()
        order = np.argsort(subject_ids)
        ends = np.searchsorted(whole["subject_id"].to_numpy(), subject_ids[order], side="right")
        last = np.append(shard_of[order][1:] != shard_of[order][:-1], True)
        first = 0
        for end in ends[last].tolist():
            yield whole[first:end]
            first = end

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


@contextmanager
def _frugal() -> Iterator[None]:
    """Arrow takes its memory from the system meanwhile: its own pool keeps 50 MB that were used once."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


def _conformed(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of Sink.events in their order and types; those that say nothing are left out."""
    unknown = set(frame.columns) - set(_GIVEN)
    missing = set(_GIVEN) - set(_OPTIONAL) - set(frame.columns)
    if unknown or missing:
        raise DataError(f"events have unknown columns {sorted(unknown)} or lack {sorted(missing)}; expected {list(_GIVEN)}")
    filled = [name for name in _GIVEN if name in frame.columns and not _says_nothing(name, frame[name])]
    return _without_zones(frame.select(filled)).select(_as_given(name, frame.schema[name]) for name in filled)


def _as_given(name: str, type_: pl.DataType) -> pl.Expr:
    """The column in its type; names that are integers or categories already are numbered as they are."""
    quick = {"source_id": pl.Int64, "code": pl.Categorical}
    return pl.col(name) if type_ == quick.get(name) else pl.col(name).cast(_GIVEN[name])


def _says_nothing(name: str, column: pl.Series) -> bool:
    return name in _OPTIONAL and column.null_count() == len(column)


def _without_zones(frame: pl.DataFrame) -> pl.DataFrame:
    """The times in UTC as times without a zone. Raises DataError for those of any other zone."""
    zones = {name: getattr(frame.schema[name], "time_zone", None) for name in _TIMES if name in frame.columns}
    if other := [zone for zone in zones.values() if zone not in (None, "UTC")]:
        raise DataError(f"events have times in {other[0]}; a reader gives UTC")
    return frame.with_columns(pl.col(name).dt.replace_time_zone(None) for name, zone in zones.items() if zone)


def _number(column: pl.Series, known: dict[str, int]) -> pl.Series:
    """A column of names as running numbers; new names are given the next ones. Raises DataError where a name is missing."""
    distinct = column.unique(maintain_order=True)
    names = distinct.cast(pl.String).to_list()
    if None in names or "" in names:
        missing = int((column.is_null() | (column.cast(pl.String) == "").fill_null(False)).sum())
        raise DataError(f"{missing} of {len(column)} events have no {column.name}")
    new = [name for name in names if name not in known]
    known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
    numbers = np.array([known[name] for name in names], dtype=np.uint32)
    if column.dtype != pl.Categorical:
        return column.replace_strict(distinct, pl.Series(numbers), return_dtype=pl.UInt32)
    place = distinct.to_physical().to_numpy()
    table = np.zeros(int(place.max()) + 1, dtype=np.uint32)
    table[place] = numbers
    return pl.Series(table[column.to_physical().to_numpy()])


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


def _sorted(frame: pl.DataFrame, subject_ids: Array, rank: Array) -> pl.DataFrame:
    """By subject, then time, those without time first, else in the order in which they came; codes are ranks."""
    ids, time = subject_ids[frame["subject"].to_numpy()], frame["time"].dt.timestamp("us")
    ready = frame.drop("subject").with_columns(
        pl.Series("subject_id", ids, dtype=pl.Int64), pl.Series("code", rank[frame["code"].to_numpy()])
    )
    return ready[_order(ids, time)]


def _order(ids: Array, time: pl.Series) -> Array:
    """A stable order by id, then time, null first: of one integer for both where they fit into its 63 bits."""
    moments = time.to_numpy() if not time.null_count() else time.fill_null(time.min() or 0).to_numpy()
    second = 1_000_000 if not (moments % 1_000_000).any() else 1
    since = (moments - moments.min()) // second + 1
    since[time.is_null().to_numpy()] = 0
    _, number = np.unique(ids, return_inverse=True)
    bits = int(since.max()).bit_length()
    if int(number.max()).bit_length() + bits > 63:
        return np.lexsort((since, number))
    return np.argsort((number << bits) | since, kind="stable")


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
