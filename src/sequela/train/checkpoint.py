"""Checkpoints: one safetensors file each, whole or absent, and never code.

A file is called SERIAL-DIGEST.safetensors; the digest is that of its content, so a damaged one is known by its name and the one
before it is taken. The two newest are kept.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from safetensors import torch as safetensors
from torch import Tensor

from sequela.train.state import Record

KEPT = 2
log = logging.getLogger(__name__)


def write(folder: Path, record: Record, tensors: Mapping[str, Tensor]) -> Path:
    """The new checkpoint, on the disk before this returns; older ones but the last are removed after it stands."""
    content = safetensors.save(dict(tensors), {"record": msgspec.json.encode(record).decode()})
    folder.mkdir(parents=True, exist_ok=True)
    older = _files(folder)
    serial = 1 + max((_serial(path) for path in older), default=0)
    path = folder / f"{serial:06d}-{_digest(content)}.safetensors"
    replace(path, content)
    for path_ in older[: len(older) + 1 - KEPT]:
        path_.unlink()
    return path


def newest(folder: Path) -> tuple[Record, dict[str, Tensor]] | None:
    """The latest checkpoint that is whole; None where there is none. Damaged ones are passed over and logged."""
    for path in reversed(_files(folder)):
        content = path.read_bytes()
        if _digest(content) == path.stem.partition("-")[2]:
            return _record(content), safetensors.load(content)
        log.warning("the checkpoint %s is damaged; the one before it is taken", path.name)
    return None


def clear(folder: Path) -> None:
    """Removes every checkpoint, and what a killed process left half written."""
    for path in [*_files(folder), *folder.glob(".*.part")]:
        path.unlink()


def replace(path: Path, content: bytes) -> None:
    """The file with this content, put there in one step: whoever reads it sees the old one or the new one, even after a crash."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes a rename durable; Windows cannot open folders, and needs no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _record(content: bytes) -> Record:
    """The plain part, from the header: 8 bytes of length, then JSON (https://huggingface.co/docs/safetensors)."""
    length = int.from_bytes(content[:8], "little")
    return msgspec.json.decode(msgspec.json.decode(content[8 : 8 + length])["__metadata__"]["record"], type=Record)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _files(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(path for path in _listed(folder) if _serial(path))


def _listed(folder: Path) -> Iterator[Path]:
    return folder.glob("[0-9]*-*.safetensors")


def _serial(path: Path) -> int:
    number = path.stem.partition("-")[0]
    return int(number) if number.isdigit() else 0
