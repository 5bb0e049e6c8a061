"""Opens a store and reads it: events by code and subject, payloads by uri."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sequela.errors import DataError
from sequela.store import place
from sequela.store.payloads import PayloadFiles
from sequela.store.schema import CODES, EVENTS, FORMAT, PART_OF, SPLITS, SUBJECTS, Dataset, Flow, Manifest
from sequela.types import Part, Payloads

MANIFEST = "metadata/store.json"


@dataclass(frozen=True)
class Store:
    """A folder of MEDS events and payloads, whole when it opened; nothing of it is in memory until asked for."""

    path: Path
    manifest: Manifest

    @property
    def dataset(self) -> Dataset:
        """Where the content came from."""
        return self.manifest.dataset

    @property
    def flow(self) -> Flow:
        """What became of the source's records at import."""
        return self.manifest.flow

    @property
    def content_hash(self) -> str:
        """The same for the same content, whenever written and however sharded."""
        return self.dataset.content_hash

    @cached_property
    def codes(self) -> pl.DataFrame:
        """code, description, parent_codes, kind (see schema.CodeKind), unit: every code that occurs, sorted."""
        return self._table("codes")

    @cached_property
    def numbered(self) -> pl.Enum:
        """The type of a column of codes held as integers: places in `codes`."""
        return pl.Enum(self.codes["code"])

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """code -> kind, of every code."""
        return dict(zip(self.codes["code"].to_list(), self.codes["kind"].to_list(), strict=True))

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """code -> the next broader codes, of those codes of which the source names any."""
        named = self.codes.filter(pl.col("parent_codes").list.len() > 0)
        return dict(zip(named["code"].to_list(), map(tuple, named["parent_codes"].to_list()), strict=True))

    @cached_property
    def subjects(self) -> pl.DataFrame:
        """subject_id, source_id (what the source called the subject), sorted by subject_id."""
        return self._table("subjects")

    @cached_property
    def parts(self) -> Mapping[int, Part]:
        """The part to which the source itself assigns a subject; empty where it assigns none."""
        if not (self.path / "metadata" / "subject_splits.parquet").exists():
            return {}
        frame = self._table("subject_splits")
        return {subject: PART_OF[split] for subject, split in frame.iter_rows()}

    @cached_property
    def payloads(self) -> Payloads:
        """Waveforms and images by uri, memory-mapped."""
        return PayloadFiles(self.path)

    def events(self, codes: Sequence[str] | None = None, subjects: Sequence[int] | None = None) -> pl.DataFrame:
        """The events of these codes and subjects (None: all), by subject_id, then time, those without time first.

        Columns: subject_id, time, code, numeric_value, text_value, payload. Only the shards and row groups that may hold such
        subjects are read. Events of one moment keep the order in which the source gave them.
        """
        frame = pl.scan_parquet(self._shards)
        if subjects is not None:
            wanted = pl.Series("subject_id", list(subjects), dtype=pl.Int64)
            frame = frame.filter(
                pl.col("subject_id").is_between(wanted.min(), wanted.max()), pl.col("subject_id").is_in(wanted.implode())
            )
        if codes is not None:
            frame = frame.filter(pl.col("code").is_in(list(codes)))
        return frame.collect()

    def shards(self) -> Iterator[Shard]:
        """The store a shard at a time: each subject is in one of them, with all its events."""
        yield from (Shard(self, path) for path in self._shards)

    @property
    def _shards(self) -> list[Path]:
        return [self.path / name for name in sorted(self.manifest.files) if name.startswith("data/")]

    def _table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.path / "metadata" / f"{name}.parquet")


@dataclass(frozen=True)
class Shard:
    """The subjects of one shard of a store as a store of their own; their events are read once and held while it is in use.

    numbered: where no codes are named, those of the events are Store.numbered, not text.
    """

    store: Store
    path: Path
    numbered: bool = False

    @property
    def codes(self) -> pl.DataFrame:
        """The codes of the whole store."""
        return self.store.codes

    @property
    def kinds(self) -> Mapping[str, str]:
        """The kinds of the whole store's codes."""
        return self.store.kinds

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """The broader codes of the whole store's codes."""
        return self.store.parents

    @property
    def parts(self) -> Mapping[int, Part]:
        """The parts of the whole store."""
        return self.store.parts

    @property
    def payloads(self) -> Payloads:
        return self.store.payloads

    @cached_property
    def subjects(self) -> pl.DataFrame:
        """As Store.subjects, of those in this shard."""
        own = self._events["subject_id"]  # in order, and of no other shard
        return self.store.subjects.filter(pl.col("subject_id").is_between(own[0], own[-1]))

    def events(self, codes: Sequence[str] | None = None, subjects: Sequence[int] | None = None) -> pl.DataFrame:
        """As Store.events, of the subjects in this shard."""
        frame = self._events
        if subjects is not None:
            frame = frame.filter(frame["subject_id"].is_in(pl.Series(subjects, dtype=pl.Int64).implode()))
        if codes is None:
            return frame
        named = frame.filter(frame["code"].is_in(list(codes)))  # as a series: an expression makes text of all codes first
        return named.with_columns(named["code"].cast(pl.String))

    @cached_property
    def _events(self) -> pl.DataFrame:
        found = pl.read_parquet(self.path)
        return found.with_columns(found["code"].cast(self.store.numbered)) if self.numbered else found


def open_store(path: str | Path) -> Store:
    """The store in this folder.

    Raises DataError: nothing there, not a store, half written or damaged, of a newer format, of another schema.
    """
    path = Path(path)
    place.recover(path)
    if not path.exists():
        raise DataError(f"there is no store at {path}", hint="sequela import READER SOURCE STORE makes one")
    manifest = _manifest(path)
    try:
        _check_files(path, manifest)
        _check_schemas(path, manifest)
    except DataError:
        if _manifest(path) == manifest:
            raise
        return open_store(path)  # an import put another store in its place while this one was looked at
    return Store(path.resolve(), manifest)


def is_store(path: str | Path) -> bool:
    """Whether this folder says that it is a store (it may still be damaged)."""
    return (Path(path) / MANIFEST).is_file()


def _manifest(path: Path) -> Manifest:
    try:
        found = (path / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            f"{path} is not a store: it has no {MANIFEST}", hint="raw records are imported first, with a reader"
        ) from error
    try:
        _check_format(path, msgspec.json.decode(found))
        return msgspec.json.decode(found, type=Manifest)
    except msgspec.MsgspecError as error:
        raise DataError(f"{path / MANIFEST} is damaged: {error}", hint="import the source again") from error


def _check_format(path: Path, raw: object) -> None:
    found = raw.get("format") if isinstance(raw, dict) else None
    if not isinstance(found, int):
        raise DataError(f"{path / MANIFEST} does not say its format", hint="import the source again")
    if found != FORMAT:
        raise DataError(
            f"the store {path} has format {found}, this version of sequela reads format {FORMAT}",
            hint="upgrade sequela" if found > FORMAT else "import the source again",
        )


def _check_files(path: Path, manifest: Manifest) -> None:
    for name, size in manifest.files.items():
        file = path / name
        found = file.stat().st_size if file.is_file() else None
        if found != size:
            what = "is missing" if found is None else f"has {found} bytes, not {size}"
            raise DataError(f"the store {path} is damaged: {name} {what}", hint="import the source again")


def _check_schemas(path: Path, manifest: Manifest) -> None:
    for name in manifest.files:
        expected = _schema_of(name)
        if expected is None:
            continue
        try:
            found = pq.read_schema(path / name)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"the store {path} is damaged: {name} is not Parquet", hint="import the source again") from error
        if not found.remove_metadata().equals(expected):
            raise DataError(
                f"{name} of the store {path} has other columns than this version writes", hint="import the source again"
            )


def _schema_of(name: str) -> pa.Schema | None:
    if name.startswith("data/"):
        return EVENTS
    return {
        "metadata/codes.parquet": CODES,
        "metadata/subjects.parquet": SUBJECTS,
        "metadata/subject_splits.parquet": SPLITS,
    }.get(name)
