"""Imports: a source read into a store, at a place the user names or in a cache keyed on content, reader and options.

Readers are passed in, with their name and version: this layer knows none of them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock

from sequela.contracts import Progress, Reader
from sequela.errors import DataError
from sequela.store.flow import judge
from sequela.store.schema import FORMAT
from sequela.store.source import content_hash, open_source
from sequela.store.store import Store, open_store
from sequela.store.write import StoreWriter


def ingest(
    reader: Reader,
    reader_name: str,
    version: int,
    source_path: str | Path,
    destination: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    max_refused: float = 0.1,
    progress: Progress | None = None,
) -> Store:
    """The store at `destination`, made from the source; it replaces one that is there.

    Raises DataError for a source that is not there or not readable, and where more records than `max_refused` were refused.
    """
    name = Path(source_path).resolve().name
    source_hash = content_hash(source_path)
    writer = StoreWriter(
        destination, name, reader_name, version, options, max_refused=max_refused, source_hash=source_hash, progress=progress
    )
    return _filled(writer, reader, source_path)


def imported(
    reader_name: str,
    reader: Reader,
    version: int,
    source_path: str | Path,
    options: Mapping[str, Any] | None = None,
    *,
    max_refused: float = 0.1,
    progress: Progress | None = None,
) -> Path:
    """The store of this source in the cache, made if it is not there.

    The key is the source's content, the reader with its version, and the options: a changed file is imported anew, a moved one
    is not.
    """
    options = dict(options or {})
    source_hash = content_hash(source_path)
    place = cache_folder() / f"{reader_name}-{_key(reader_name, version, source_hash, options)}.store"
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_suffix(".lock")):
        kept = _kept(place)
        if kept is None:
            name = Path(source_path).resolve().name
            writer = StoreWriter(
                place, name, reader_name, version, options, max_refused=max_refused, source_hash=source_hash, progress=progress
            )
            _filled(writer, reader, source_path)
        else:
            judge(kept.flow, max_refused)
    return place


def cache_folder() -> Path:
    """Where imports are kept: SEQUELA_CACHE, or ~/.cache/sequela."""
    return Path(os.environ.get("SEQUELA_CACHE") or Path.home() / ".cache" / "sequela")


def _filled(writer: StoreWriter, reader: Reader, source_path: str | Path) -> Store:
    """The store that the writer makes of what the reader finds in the source."""
    try:
        with writer as sink:
            reader.read(open_source(source_path), sink)
    except OSError as error:
        raise DataError(
            f"importing {source_path} failed: {error.strerror or error}",
            hint="is there room on the disk, and the right to write there?",
        ) from error
    return open_store(writer.path)


def _key(reader_name: str, version: int, source_hash: str, options: Mapping[str, Any]) -> str:
    parts = [reader_name, version, FORMAT, source_hash, options]
    return hashlib.blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=12).hexdigest()


def _kept(place: Path) -> Store | None:
    """The cached store, or None where it is absent or damaged."""
    try:
        return open_store(place)
    except DataError:
        return None
