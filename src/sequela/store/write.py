"""Writes a store: takes what a reader emits, and puts a whole store in its place or nothing."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast, get_args

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sequela import __version__
from sequela.contracts import Progress
from sequela.errors import DataError
from sequela.store import place
from sequela.store.flow import Tally, commonest
from sequela.store.payloads import PayloadPack
from sequela.store.schema import (
    CODES,
    FORMAT,
    KINDS,
    MEDS_VERSION,
    SPLIT_OF,
    SPLITS,
    SUBJECTS,
    CodeKind,
    Dataset,
    Manifest,
)
from sequela.store.shards import Events, Shards
from sequela.store.store import MANIFEST, is_store
from sequela.types import Array, Part, Payload


class Code(msgspec.Struct, frozen=True, gc=False):
    """What a reader declared of a code; the garbage collector need not look at thousands of them, which hold text alone."""

    kind: CodeKind
    unit: str
    description: str
    parents: tuple[str, ...]


_COLUMNS = {"description": "description", "parents": "parent_codes", "kind": "kind", "unit": "unit"}  # of a Code -> of CODES


class StoreWriter:
    """The Sink of a store at `path`: a context manager that, on leaving without an error, puts the whole store in its place.

    One writer at a time: others wait for the lock. On an error or Ctrl-C nothing is left and an existing store stays as it was.
    """

    def __init__(
        self,
        path: str | Path,
        dataset_name: str,
        reader: str,
        version: int,
        options: Mapping[str, Any] | None = None,
        *,
        max_refused: float = 0.1,
        source_hash: str = "",
        progress: Progress | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self._origin = Dataset(
            name=dataset_name,
            reader=reader,
            reader_version=version,
            options=dict(options or {}),
            source_hash=source_hash,
            relative_times=False,
            created="",
            sequela=__version__,
            content_hash="",
        )
        self._tally = Tally(max_refused)
        self._progress = progress
        self._relative_times = False
        self._codes: dict[str, Code] = {}
        self._assigned: dict[str, Part] = {}
        _check_target(self.path)

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = place.lock(self.path)
        self._lock.acquire()
        try:
            self._folder = place.begin(self.path)
        except BaseException:
            self._lock.release()
            raise
        (self._folder / "metadata").mkdir()
        self._shards = Shards(self._folder)
        self._pack = PayloadPack(self._folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._close()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._lock.release()

    # What readers call: see contracts.Sink

    def events(self, frame: pl.DataFrame) -> None:
        """Adds events; a number that is NaN or infinite becomes null, and is counted."""
        self._shards.add(frame)

    def payload(self, name: str, payload: Payload) -> str:
        """The uri of the payload, now stored."""
        return self._pack.add(name, payload)

    def code(self, code: str, kind: str, *, unit: str = "", description: str = "", parents: Sequence[str] = ()) -> None:
        """Declares a code. Raises DataError for an unknown kind, or where it was declared otherwise before."""
        if kind not in KINDS:
            raise DataError(f"the code {code!r} is declared as {kind!r}", hint=f"kinds are {', '.join(KINDS)}")
        given = Code(kind, unit, description, tuple(parents))
        if self._codes.setdefault(code, given) != given:
            raise DataError(f"the code {code!r} is declared twice, and differently: {self._codes[code]} and {given}")

    def part(self, source_id: str, part: str) -> None:
        """Assigns a subject to a part. Raises DataError for an unknown part, or a second, different one."""
        if part not in get_args(Part):
            raise DataError(f"a subject is assigned to the part {part!r}", hint="parts are train, tune, test")
        if self._assigned.setdefault(source_id, cast(Part, part)) != part:
            raise DataError(f"the subject {source_id} is assigned to two parts: {self._assigned[source_id]} and {part}")

    def relative_times(self) -> None:
        """Declares that times count from an anchor the reader chose: differences mean something, dates do not."""
        self._relative_times = True

    def refuse(self, record: str, reason: str) -> None:
        """Counts a refused record; raises DataError once too many are."""
        self._tally.refuse(record, reason)

    def accept(self, count: int = 1) -> None:
        """Counts accepted records."""
        self._tally.accepted += count

    def note(self, text: str, count: int) -> None:
        """Counts something that was done to records."""
        self._tally.notes[text] += count

    def progress(self, done: int, total: int) -> None:
        """Tells the caller how far the reader is."""
        if self._progress is not None:
            self._progress("import", done, total)

    # Closing

    def _close(self) -> None:
        self._tally.judge()
        if not self._shards.rows:
            flow = self._tally.flow()
            none = (
                f": all {flow.refused_count} records were refused, most for this reason: {commonest(flow)}"
                if flow.refused
                else ""
            )
            raise DataError(
                f"{self._origin.name}: the reader {self._origin.reader!r} found no events{none}", hint="is this the right source?"
            )
        ids = _subject_ids(list(self._shards.numbers))
        events = self._shards.write(ids)
        self._write_metadata(ids, events)
        manifest = self._manifest(events, self._pack.close())
        (self._folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        place.finish(self._folder, self.path)

    def _write_metadata(self, ids: Array, events: Events) -> None:
        if undeclared := sorted(events.codes - self._codes.keys()):
            raise DataError(
                f"the reader {self._origin.reader!r} gave events of codes it did not declare: {', '.join(undeclared[:5])}"
            )
        names = sorted(events.codes)
        codes = [self._codes[name] for name in names]
        described = {field: list(map(attrgetter(own), codes)) for own, field in _COLUMNS.items()}
        self._table("codes", CODES, {"code": names, **described})
        subjects = sorted(zip(ids.tolist(), self._shards.numbers, strict=True))
        self._table("subjects", SUBJECTS, {"subject_id": [i for i, _ in subjects], "source_id": [name for _, name in subjects]})
        splits = [(i, SPLIT_OF[self._assigned[name]]) for i, name in subjects if name in self._assigned]
        if splits:
            self._table("subject_splits", SPLITS, {"subject_id": [i for i, _ in splits], "split": [split for _, split in splits]})
        if without := len(self._assigned.keys() - self._shards.numbers.keys()):
            self.note("subjects assigned to a part that have no events, left out", without)

    def _table(self, name: str, schema: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> None:
        held = [_column(columns[field.name], field.type) for field in schema]
        pq.write_table(pa.Table.from_arrays(held, schema=schema), self._folder / "metadata" / f"{name}.parquet")

    def _manifest(self, events: Events, payloads: bytes) -> Manifest:
        if self._shards.not_finite:
            self.note("numbers that are not finite, left out", self._shards.not_finite)
        dataset = self._dataset(events, payloads)
        meds = {
            "dataset_name": dataset.name,
            "etl_name": f"sequela {dataset.reader}",
            "etl_version": f"{dataset.sequela}/{dataset.reader_version}",
            "meds_version": MEDS_VERSION,
            "created_at": dataset.created,
            "additional_value_modality_columns": ["payload"],
            "other_extension_columns": ["visit", "available", "superseded"],
        }
        (self._folder / "metadata" / "dataset.json").write_bytes(msgspec.json.format(msgspec.json.encode(meds)))
        files = {_inside(path, self._folder): path.stat().st_size for path in self._folder.rglob("*") if path.is_file()}
        return Manifest(
            format=FORMAT, dataset=dataset, flow=self._tally.flow(), events=events.rows, files=dict(sorted(files.items()))
        )

    def _dataset(self, events: Events, payloads: bytes) -> Dataset:
        declared = msgspec.json.encode([(code, self._codes[code]) for code in sorted(events.codes)])
        subjects = repr(sorted(self._shards.numbers))
        parts = repr(sorted((name, part) for name, part in self._assigned.items() if name in self._shards.numbers))
        whole = hashlib.blake2b(events.digest() + payloads + declared, digest_size=16)
        for text in (subjects, parts, str(self._relative_times)):
            whole.update(text.encode())
        return msgspec.structs.replace(
            self._origin,
            relative_times=self._relative_times,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            content_hash=whole.hexdigest(),
        )


def _check_target(path: Path) -> None:
    """Raises DataError rather than ever replace something that is not a store."""
    if path.is_dir() and (is_store(path) or not any(path.iterdir())):
        return
    if path.exists():
        raise DataError(f"{path} exists and is not a store; it will not be replaced", hint="give another destination")


def _subject_ids(names: list[str]) -> Array:
    """An id for each source id: itself where all of them are plain integers, else its rank."""
    if all(name.lstrip("-").isdecimal() and len(name) < 19 and str(int(name)) == name for name in names):
        return np.array([int(name) for name in names], dtype=np.int64)
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[np.argsort(np.array(names), kind="stable")] = np.arange(1, len(names) + 1)
    return ranks


def _column(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """A column of integers, of text, or of lists of text; by way of polars, since pa.array would import pandas."""
    if not pa.types.is_list(type_):
        dtype = pl.Int64 if pa.types.is_integer(type_) else pl.String
        return pl.Series(values, dtype=dtype).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(type_)
    ends = pl.Series(np.cumsum([0, *map(len, values)]), dtype=pl.Int32).to_arrow()
    return pa.ListArray.from_arrays(ends, _column([one for inner in values for one in inner], type_.value_type))


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
