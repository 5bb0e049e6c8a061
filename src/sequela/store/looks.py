"""How often a set of test rows was opened: counted in a file beside the store, for the report to print.

A number chosen after many looks at the test part is no longer an honest one; the count cannot prevent that, but it shows it. Each
look names the plan that was sealed before it, and the plans are kept in a folder of their own, so that a later one can be held
against them.
"""

from __future__ import annotations

import hashlib
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
    plan: str = ""  # SHA-256 of the plan that was sealed before; "" where none was


def count_look(store_path: str | Path, rows_digest: str, study: str, purpose: str, plan: str = "") -> int:
    """How many times these rows were opened, this time included; `plan` is the hash of the one that was sealed before."""
    path = _file(store_path)
    with FileLock(path.with_name(f".{path.name}.lock")):
        seen = _read(path)
        look = Look(study=study, purpose=purpose, time=datetime.now(UTC).isoformat(timespec="seconds"), plan=plan)
        seen.setdefault(rows_digest, []).append(look)
        _replace(path, msgspec.json.format(msgspec.json.encode(seen)))
    return len(seen[rows_digest])


def looks(store_path: str | Path, rows_digest: str) -> int:
    """How many times these rows were opened so far."""
    return len(seen(store_path, rows_digest))


def seen(store_path: str | Path, rows_digest: str) -> list[Look]:
    """Every opening of these rows so far, the first one first."""
    return _read(_file(store_path)).get(rows_digest, [])


def keep_plan(store_path: str | Path, digest: str, content: bytes) -> None:
    """Keeps a sealed plan beside the store, by its hash."""
    path = _plan(store_path, digest)
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        _replace(path, content)


def kept_plan(store_path: str | Path, digest: str) -> bytes | None:
    """The plan of that hash; None where it is not kept, or is no longer what was sealed."""
    path = _plan(store_path, digest)
    content = path.read_bytes() if digest and path.exists() else None
    return content if content is not None and hashlib.sha256(content).hexdigest() == digest else None


def _plan(store_path: str | Path, digest: str) -> Path:
    store = Path(store_path).absolute()
    return store.with_name(f"{store.name}.plans") / f"{digest}.json"


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
