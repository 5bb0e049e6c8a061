"""The file of a bundle: one uncompressed zip whose `bundle.json` names every other part with its SHA-256.

Reading is strict, because a bundle crosses trust boundaries: the parts must be exactly those that bundle.json names, stored
uncompressed, with plain names; bundle.json is sealed by its own hash. Nothing in it is ever executed or unpickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from sequela.errors import BundleError, DataError

FORMAT = 1  # raised when a reader of the older format would misunderstand the file
INDEX = "bundle.json"
LARGEST = 4 << 30  # bytes; a part that claims more is refused before it is read
_NAME = re.compile(r"(?:states/)?[a-z][a-z0-9_-]*\.(?:json|md|safetensors)")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the time stamp of every part, so that the same content is the same file
REQUIRED = ("weights.safetensors", "thresholds.json", "calibration.json", "golden.json", "metrics.json", "card.md")


def write(path: Path, index: Mapping[str, Any], parts: Mapping[str, bytes]) -> None:
    """Writes the bundle atomically: the whole file is there, or what was there before.

    Raises DataError where it cannot be written.
    """
    held = dict(index) | {"format": FORMAT, "parts": {name: _hash(data) for name, data in sorted(parts.items())}}
    held["seal"] = _seal(held)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [(INDEX, msgspec.json.format(msgspec.json.encode(held))), *sorted(parts.items())]:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}", hint="is there space on the disk?") from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()


def read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The index and the parts of a bundle, every hash checked.

    Raises BundleError: no file, not a bundle, a newer format, a part missing, added, altered or compressed, a name that leaves
    the archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            index = _index(path, _content(path, archive, members[INDEX]))
            _same_names(path, set(members) - {INDEX}, set(index["parts"]))
            parts = {name: _content(path, archive, members[name]) for name in index["parts"]}
    except FileNotFoundError as error:
        raise BundleError(f"there is no bundle at {path}") from error
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        raise BundleError(f"{path} is not a bundle: {error}", hint="it may be cut short; copy it again") from error
    for name, data in parts.items():
        if _hash(data) != index["parts"][name]:
            raise BundleError(f"{path}: the part {name} was altered (its SHA-256 is not the one that {INDEX} names)")
    return index, parts


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if not _NAME.fullmatch(info.filename):
            raise BundleError(f"{path} holds a part with a name that is not allowed: {info.filename!r}")
        if info.filename in members:
            raise BundleError(f"{path} holds the part {info.filename} twice")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > LARGEST:
            raise BundleError(f"{path}: the part {info.filename} is compressed or too large, which a bundle never is")
        members[info.filename] = info
    if INDEX not in members:
        raise BundleError(f"{path} is not a bundle: it has no {INDEX}")
    return members


def _content(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(info)
    except zipfile.BadZipFile as error:
        raise BundleError(f"{path}: the part {info.filename} was altered: {error}") from error


def _index(path: Path, data: bytes) -> dict[str, Any]:
    try:
        index = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise BundleError(f"{path}: {INDEX} is not JSON: {error}") from error
    version, parts = index.get("format"), index.get("parts")
    if not isinstance(version, int) or not isinstance(parts, dict):
        raise BundleError(f"{path}: {INDEX} lacks its format or its list of parts")
    if version > FORMAT:
        raise BundleError(
            f"{path} has the format {version}, newer than the {FORMAT} that this version reads", hint="upgrade sequela"
        )
    if index.get("seal") != _seal(index):
        raise BundleError(f"{path}: {INDEX} was altered (its seal does not fit)")
    return index


def _same_names(path: Path, held: set[str], named: set[str]) -> None:
    missing = sorted((named | set(REQUIRED)) - held)
    if missing:
        raise BundleError(f"{path} lacks the part {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else ""))
    if held - named:
        raise BundleError(f"{path} holds a part that {INDEX} does not name: {min(held - named)}")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _seal(index: Mapping[str, Any]) -> str:
    unsealed = {key: value for key, value in index.items() if key != "seal"}
    return _hash(msgspec.json.encode(unsealed, order="sorted"))
