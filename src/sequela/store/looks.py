"""How often a set of test rows was opened: counted in a file beside the store, for the report to print.

A number chosen after many looks at the test part is no longer an honest one; the count cannot prevent that, but it shows it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock

from sequela.errors import DataError


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One opening of a set of test rows."""

    study: str
    purpose: str
    time: str  # ISO 8601, UTC


def count_look(store_path: str | Path, rows_digest: str, study: str, purpose: str) -> int:
    """How many times these rows were opened, this time included."""
    path = _file(store_path)
    with FileLock(path.with_name(f".{path.name}.lock")):
        seen = _read(path)
        look = Look(study=study, purpose=purpose, time=datetime.now(UTC).isoformat(timespec="seconds"))
        seen.setdefault(rows_digest, []).append(look)
        _replace(path, msgspec.json.format(msgspec.json.encode(seen)))
    return len(seen[rows_digest])


def looks(store_path: str | Path, rows_digest: str) -> int:
    """How many times these rows were opened so far."""
    return len(_read(_file(store_path)).get(rows_digest, []))


def _file(store_path: str | Path) -> Path:
    store = Path(store_path).absolute()
    return store.with_name(f"{store.name}.looks.json")


def _read(path: Path) -> dict[str, list[Look]]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, list[Look]])
    except FileNotFoundError:
        return {}
    except msgspec.MsgspecError as error:
        raise DataError(
            f"{path} is damaged: {error}", hint="it counts the looks at the test part; restore it, or move it away"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    """Writes beside and renames, so that a reader never sees half a file."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
