"""Where records come from: a folder, a file, a zip or a tar, read alike.

Archives are unpacked into a temporary folder when their content is first asked for, and removed with the Source. A folder that
holds archives shows what is in them as if they had been unpacked where they lie.
"""

from __future__ import annotations

import fnmatch
import hashlib
import lzma
import os
import re
import shutil
import tarfile
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO

from sequela.errors import DataError

_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
)
_CHUNK = 2**20


class FileSource:
    """The files under a path, by names with / between folders (implements contracts.Source)."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path

    def files(self, pattern: str = "**") -> Sequence[str]:
        """Names that match, sorted. `*` stays within a folder, `**` does not; a pattern without / is sought in every folder."""
        matches = _matcher(pattern)
        return [name for name in self._found if matches(name)]

    def read(self, name: str) -> bytes:
        """The content of a file. Raises DataError where the source has none of that name."""
        return self.path(name).read_bytes()

    def path(self, name: str) -> Path:
        """The real file, with its neighbours beside it."""
        if name not in self._found:
            raise DataError(f"the source {self.name} has no file {name!r}")
        return self._found[name]

    @cached_property
    def _found(self) -> dict[str, Path]:
        if self._path.is_file() and not _is_archive(self._path):
            return {self._path.name: self._path}
        found = dict(_walk(self._path)) if self._path.is_dir() else {self._path.name: self._path}
        for name, file in list(found.items()):
            if _is_archive(file):
                under = PurePosixPath(name).parent
                for inner, path in _walk(self._unpacked(file)):
                    found.setdefault(str(under / inner), path)  # what already lies there unpacked goes first
        if not self._path.is_dir():
            del found[self._path.name]
        return dict(sorted(found.items()))

    def _unpacked(self, archive: Path) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="sequela-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        _unpack(archive, folder)
        return folder


def open_source(path: str | Path) -> FileSource:
    """The source at this path: a folder, an archive (zip, tar, tar.gz, tar.bz2, tar.xz) or a single file.

    Raises DataError where nothing is there, or (when its files are first asked for) where an archive is damaged or unsafe.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"there is no source at {path}")
    return FileSource(path.resolve())


def content_hash(path: str | Path) -> str:
    """A hash of the bytes of a file, or of all files of a folder with their names inside it; where it lies does not matter.

    Raises DataError where nothing is there.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"there is no source at {path}")
    whole = hashlib.sha256()
    for name, file in _walk(path) if path.is_dir() else [(path.name, path)]:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, hashlib.sha256)
        whole.update(f"{name}\0{digest.hexdigest()}\n".encode())
    return whole.hexdigest()[:32]


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(_SUFFIXES)


def _walk(root: Path) -> list[tuple[str, Path]]:
    """Files below the root, sorted by name; those that systems leave behind (.DS_Store, __MACOSX) are not data."""
    found: list[tuple[str, Path]] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not _is_litter(name)]
        here = Path(folder)
        prefix = "" if here == root else here.relative_to(root).as_posix() + "/"
        found += [(prefix + name, here / name) for name in files if not _is_litter(name)]
    return sorted(found, key=lambda pair: pair[0])


def _is_litter(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _matcher(pattern: str) -> Callable[[str], object]:
    if pattern == "**":
        return lambda name: True
    if "/" not in pattern:
        return lambda name: fnmatch.fnmatchcase(name.rpartition("/")[2], pattern)
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    regex = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(regex.get(part, re.escape(part)) for part in parts) + r"\Z").match


def _unpack(archive: Path, folder: Path) -> None:
    try:
        if archive.name.lower().endswith(".zip"):
            _unpack_zip(archive, folder)
        else:
            _unpack_tar(archive, folder)
    except _DAMAGED as error:
        raise DataError(
            f"the archive {archive.name} cannot be unpacked: {error or type(error).__name__}",
            hint="is it whole, without a password, and is there room for it in the temporary folder?",
        ) from error


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        _check_room(sum(member.file_size for member in opened.infolist()), archive, folder)
        for member in opened.infolist():
            if not member.is_dir():
                with opened.open(member) as content:
                    _place(content, member.filename, archive, folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive, "r|*") as opened:
        for member in opened:
            if member.isdir():
                continue
            content = opened.extractfile(member) if member.isreg() else None
            if content is None:
                raise DataError(f"the archive {archive.name} holds {member.name!r}, which is a link or device, not a file")
            _check_room(member.size, archive, folder)
            _place(content, member.name, archive, folder)


def _check_room(size: int, archive: Path, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise DataError(f"the archive {archive.name} unpacks to {size:,} bytes, {free:,} are free at {folder.parent}")


def _place(content: IO[bytes], name: str, archive: Path, folder: Path) -> None:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
        raise DataError(f"the archive {archive.name} holds the path {name!r}, which leads out of it; nothing of it is used")
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        shutil.copyfileobj(content, file, _CHUNK)
