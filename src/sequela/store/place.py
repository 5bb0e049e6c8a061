"""Putting a finished folder in its place in one step, so that a reader sees the old one, the new one or none: never a part.

A folder in the making is called `.NAME.importing-…` and stands beside its place, on the same file system. On Linux and macOS an
existing store is exchanged for the new one by one system call. Elsewhere it is moved to `.NAME.replaced` first; a
process killed between the two moves leaves it there, and `recover` moves it back.
"""

from __future__ import annotations

import ctypes
import glob
import os
import shutil
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

_AT_FDCWD = {"linux": -100, "darwin": -2}
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h; RENAME_SWAP of sys/stdio.h has the same value


def lock(target: Path) -> FileLock:
    """The lock that the one writer of a store holds."""
    return FileLock(target.with_name(f".{target.name}.lock"))


def begin(target: Path) -> Path:
    """A new empty folder beside the target. To be called with the lock held: leftovers of killed imports are removed."""
    recover(target)
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.importing-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.rmtree(_replaced(target), ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f".{target.name}.importing-", dir=target.parent))


def finish(folder: Path, target: Path) -> None:
    """Makes everything in the folder durable and puts it at the target, in place of what is there."""
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)
    folder.chmod(0o755)  # mkdtemp made it private
    if target.exists():
        _exchange(folder, target)
    else:
        folder.rename(target)
    _sync(target.parent)


def recover(target: Path) -> None:
    """Moves a store back that was set aside by a process killed before it put the new one in place."""
    if _replaced(target).is_dir() and not target.exists():
        _replaced(target).rename(target)


def _exchange(folder: Path, target: Path) -> None:
    if _swap(folder, target):
        shutil.rmtree(folder, ignore_errors=True)
        return
    target.rename(_replaced(target))
    folder.rename(target)
    shutil.rmtree(_replaced(target), ignore_errors=True)


def _swap(one: Path, other: Path) -> bool:
    """Whether the system could exchange the two in one step."""
    name = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform)
    call = getattr(ctypes.CDLL(None), name, None) if name else None
    if call is None:
        return False
    here = _AT_FDCWD[sys.platform]
    return bool(call(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0)


def _replaced(target: Path) -> Path:
    return target.with_name(f".{target.name}.replaced")


def _sync(path: Path) -> None:
    """Waits until a file or folder is on the disk (folders cannot be opened on Windows)."""
    if sys.platform == "win32" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
