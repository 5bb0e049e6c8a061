"""Events on their way into Parquet: numbered, spilled while they exceed memory, sorted and sharded by subject.

Subjects get running numbers as they appear. At the end the numbers become subject ids, the ids are cut into ranges of about
SHARD_ROWS events, spilled parts are dealt out to those ranges, and each range is sorted and written: no more than one spill and
one shard are in memory at a time (a single subject is never cut).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from sequela.errors import DataError
from sequela.store.schema import EVENTS
from sequela.types import Array

SPILL_ROWS = 8_000_000
SHARD_ROWS = 4_000_000
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
_OPTIONAL = ("numeric_value", "text_value", "payload", "visit", "available", "superseded")
_TIMES = ("time", "available", "superseded")


@dataclass
class Shards:
    """Takes events in any order and writes them as shards under `folder`/data."""

    folder: Path
    numbers: dict[str, int] = field(default_factory=dict)  # source id -> running number
    not_finite: int = 0  # numbers that were NaN or infinite and became null
    rows: int = 0
    spill_rows: int = SPILL_ROWS
    shard_rows: int = SHARD_ROWS
    _held: list[pl.DataFrame] = field(default_factory=list)
    _parts: list[Path] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        """Adds events as Sink.events takes them. Raises DataError for a wrong column, a missing subject or a missing code."""
        if frame.is_empty():
            return
        clean = self._numbered(_conformed(frame))
        self.rows += len(clean)
        self._held.append(clean)
        if sum(map(len, self._held)) >= self.spill_rows:
            self._spill()

    def write(self, subject_ids: Array) -> Events:
        """What was written; subject_ids[number] is the id of each running number."""
        counts = np.zeros(len(subject_ids), dtype=np.int64)
        for part in self._each():
            counts += np.bincount(part["subject"].to_numpy(), minlength=len(subject_ids))
        shard_of = _ranges(subject_ids, counts, self.shard_rows)
        found = Events()
        (self.folder / "data").mkdir()
        for shard, frame in enumerate(self._dealt(shard_of)):
            ready = _sorted(frame, subject_ids)
            found.add(ready)
            _write(ready, self.folder / "data" / f"{shard:04d}.parquet")
        shutil.rmtree(self._spills, ignore_errors=True)
        return found

    @property
    def _spills(self) -> Path:
        return self.folder / "spilled"

    def _numbered(self, frame: pl.DataFrame) -> pl.DataFrame:
        names = frame["source_id"].unique(maintain_order=True)
        for name in names:
            self.numbers.setdefault(name, len(self.numbers))
        numbers = pl.Series([self.numbers[name] for name in names], dtype=pl.UInt32)
        finite = pl.col("numeric_value").is_finite()
        self.not_finite += frame.select((~finite).sum()).item()
        return frame.with_columns(
            pl.col("source_id").replace_strict(names, numbers, return_dtype=pl.UInt32).alias("subject"),
            pl.when(finite).then(pl.col("numeric_value")),
        ).drop("source_id")

    def _spill(self) -> None:
        self._spills.mkdir(exist_ok=True)
        path = self._spills / f"{len(self._parts):05d}.parquet"
        pl.concat(self._held).write_parquet(path, compression="lz4", statistics=False)
        self._held.clear()
        self._parts.append(path)

    def _each(self) -> Iterator[pl.DataFrame]:
        for path in self._parts:
            yield pl.read_parquet(path)
        yield from self._held

    def _dealt(self, shard_of: Array) -> Iterator[pl.DataFrame]:
        """The events of each shard in turn."""
        shards = int(shard_of.max()) + 1
        if not self._parts:
            held = pl.concat(self._held)
            which = shard_of[held["subject"].to_numpy()]
            for shard in range(shards):
                yield held if shards == 1 else held.filter(which == shard)
            return
        dealt = self._deal(shard_of)
        for shard in range(shards):
            yield pl.concat([pl.read_parquet(path) for path in dealt[shard]])

    def _deal(self, shard_of: Array) -> dict[int, list[Path]]:
        """Files with the events of each shard, in the order in which the events came."""
        if self._held:
            self._spill()
        dealt: dict[int, list[Path]] = {shard: [] for shard in range(int(shard_of.max()) + 1)}
        for number, path in enumerate(self._parts):
            part = pl.read_parquet(path).with_columns(shard=pl.lit(0))
            part = part.with_columns(pl.Series("shard", shard_of[part["subject"].to_numpy()]))
            for shard, piece in part.partition_by("shard", include_key=False, as_dict=True).items():
                file = self._spills / f"shard-{shard[0]}-{number:05d}.parquet"
                piece.write_parquet(file, compression="lz4", statistics=False)
                dealt[int(str(shard[0]))].append(file)
            path.unlink()
        return dealt


@dataclass
class Events:
    """What the shards hold: a digest that does not depend on where they are cut, and the codes that occur."""

    codes: set[str] = field(default_factory=set)
    rows: int = 0
    _streams: dict[str, hashlib.blake2b] = field(default_factory=dict)

    def add(self, frame: pl.DataFrame) -> None:
        self.rows += len(frame)
        self.codes.update(frame["code"].unique())
        for name in EVENTS.names:
            for stream, content in _streams(frame[name]):
                self._streams.setdefault(f"{name} {stream}", hashlib.blake2b(digest_size=32)).update(content)

    def digest(self) -> bytes:
        """Each column's nulls, lengths and values are streams of their own, so cutting them elsewhere changes nothing."""
        return b"".join(name.encode() + self._streams[name].digest() for name in sorted(self._streams))


def _conformed(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of Sink.events in their order and types, missing optional ones null."""
    unknown = set(frame.columns) - set(_GIVEN)
    missing = set(_GIVEN) - set(_OPTIONAL) - set(frame.columns)
    if unknown or missing:
        raise DataError(f"events have unknown columns {sorted(unknown)} or lack {sorted(missing)}; expected {list(_GIVEN)}")
    added = [pl.lit(None, _GIVEN[name]).alias(name) for name in _OPTIONAL if name not in frame.columns]
    plain = _without_zones(frame).with_columns(added)
    clean = plain.select(pl.col(name).cast(type_) for name, type_ in _GIVEN.items())
    for name in ("source_id", "code"):
        if nulls := clean[name].null_count() + (clean[name] == "").sum():
            raise DataError(f"{nulls} of {len(clean)} events have no {name}")
    return clean


def _without_zones(frame: pl.DataFrame) -> pl.DataFrame:
    """The times in UTC as times without a zone. Raises DataError for those of any other zone."""
    zones = {name: getattr(frame.schema[name], "time_zone", None) for name in _TIMES if name in frame.columns}
    if other := [zone for zone in zones.values() if zone not in (None, "UTC")]:
        raise DataError(f"events have times in {other[0]}; a reader gives UTC")
    return frame.with_columns(pl.col(name).dt.replace_time_zone(None) for name, zone in zones.items() if zone)


def _ranges(subject_ids: Array, counts: Array, rows: int) -> Array:
    """The shard of each running number: subjects in the order of their ids, cut every `rows` events."""
    order = np.argsort(subject_ids)
    before = np.cumsum(counts[order]) - counts[order]
    shard = np.empty(len(order), dtype=np.int64)
    _, shard[order] = np.unique(before // rows, return_inverse=True)
    return shard


def _sorted(frame: pl.DataFrame, subject_ids: Array) -> pl.DataFrame:
    ids = pl.Series("subject_id", subject_ids[frame["subject"].to_numpy()], dtype=pl.Int64)
    named = frame.drop("subject").with_columns(ids).select(EVENTS.names)
    return named.sort(["subject_id", "time"], nulls_last=False, maintain_order=True)


def _write(frame: pl.DataFrame, path: Path) -> None:
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(EVENTS)
    pq.write_table(
        table, path, row_group_size=ROW_GROUP, compression="zstd", compression_level=1, use_dictionary=["code", "numeric_value"]
    )


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
