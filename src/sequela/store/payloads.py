"""Waveforms and images as .npy files: packed on the way in, memory-mapped on the way out.

Arrays with a time axis, (C, L), are a file each, and may come piece by piece. Arrays without, images and volumes, are stacked
with others of their shape and type in blocks of about 64 MB; their uri is the block and the place in it,
`images-1x28x28-uint8-000.npy#17`. The map of a block is kept open, so that reading one image of a million opens no file.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sequela.errors import DataError
from sequela.store.pieces import bytes_of, write_pieces
from sequela.store.schema import PAYLOADS
from sequela.types import Array, Payload, Space

FOLDER = "payloads"
TABLE = "metadata/payloads.parquet"
BLOCK_BYTES = 64 * 2**20
WAITING_BYTES = 4 * BLOCK_BYTES  # images held in memory until their block is full
OPEN_MAPS = 64
DTYPES = ("uint8", "uint16", "int16", "float32")
NOTHING = np.zeros((0, 0), np.float32)


@dataclass
class _Block:
    """Images of one shape and type that wait to be written."""

    file: str
    arrays: list[Array] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays)


@dataclass
class PayloadPack:
    """Writes payloads under `folder`; `close` writes what still waits and the table of all."""

    folder: Path
    rows: list[dict[str, Any]] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)
    _blocks: dict[str, _Block] = field(default_factory=dict)
    _made: Counter[str] = field(default_factory=Counter)
    _waiting: int = 0
    _digests: list[bytes] = field(default_factory=list)

    def add(self, name: str, payload: Payload) -> str:
        """The uri of the payload. Raises DataError for a name given twice, an empty array or a type that is not stored.

        A signal may be given as anything that `store.pieces` reads piece by piece: it is stored, and its digest taken, as the
        array of all its pieces would be. One that cannot be read to its end leaves nothing behind.
        """
        values = payload.values if _in_pieces(payload.values) else np.ascontiguousarray(payload.values)
        self._check(name, payload, values)
        uri = self._signal(values) if len(values.shape) == 2 else self._image(values)
        self._names.add(name)
        row = {
            "uri": uri,
            "name": name,
            "shape": list(values.shape),
            "dtype": str(values.dtype),
            "rate_hz": payload.rate_hz,
            "channels": list(payload.channels),
            "unit": payload.unit,
            **_told(payload.space),
        }
        self.rows.append(row)
        held = bytes_of(self.folder / FOLDER / uri) if _in_pieces(values) else [values.data.cast("B")]
        self._digests.append(_digest(row, held))
        return uri

    def close(self) -> bytes:
        """A digest of all payloads, after writing those that wait; empty where there are none."""
        for key in list(self._blocks):
            self._write(key)
        if not self.rows:
            return b""
        rows = pa.Table.from_pylist(sorted(self.rows, key=lambda row: str(row["uri"])), schema=PAYLOADS)
        pq.write_table(rows, self.folder / TABLE)
        return hashlib.blake2b(b"".join(sorted(self._digests)), digest_size=32).digest()

    def _check(self, name: str, payload: Payload, values: Array) -> None:
        if name in self._names:
            raise DataError(f"the source gives two payloads the name {name!r}")
        if str(values.dtype) not in DTYPES:
            raise DataError(f"the payload {name!r} holds {values.dtype}; stored are {', '.join(DTYPES)}")
        if _in_pieces(values) and (values.dtype != np.float32 or len(values.shape) != 2):
            raise DataError(f"the payload {name!r}, given in pieces, is {values.dtype} {values.shape}; expected float32 (C, L)")
        if len(values.shape) < 2 or 0 in values.shape:
            raise DataError(
                f"the payload {name!r} has the shape {values.shape}; expected (channels, samples) or (channels, rows, columns)"
            )
        if payload.channels and len(payload.channels) != values.shape[0]:
            raise DataError(f"the payload {name!r} names {len(payload.channels)} channels and holds {values.shape[0]}")

    def _signal(self, values: Array) -> str:
        file = f"signals-{self._made['signals']:06d}.npy"
        if _in_pieces(values):
            write_pieces(self.folder / FOLDER / file, values)
        else:
            _save(self.folder / FOLDER / file, values.astype(np.float32, copy=False)[None], whole=True)
        self._made["signals"] += 1
        return file

    def _image(self, values: Array) -> str:
        key = f"images-{'x'.join(map(str, values.shape))}-{values.dtype}"
        block = self._blocks.get(key)
        if block is None:
            block = self._blocks[key] = _Block(f"{key}-{self._number(key):03d}.npy")
        block.arrays.append(values)
        self._waiting += values.nbytes
        uri = f"{block.file}#{len(block.arrays) - 1}"
        if block.bytes >= BLOCK_BYTES:
            self._write(key)
        elif self._waiting >= WAITING_BYTES:
            self._write(max(self._blocks, key=lambda key: self._blocks[key].bytes))
        return uri

    def _write(self, key: str) -> None:
        block = self._blocks.pop(key)
        self._waiting -= block.bytes
        _save(self.folder / FOLDER / block.file, block.arrays)

    def _number(self, key: str) -> int:
        self._made[key] += 1
        return self._made[key] - 1


@dataclass(frozen=True)
class PayloadFiles:
    """Opens the payloads of a store (implements types.Payloads)."""

    store: Path
    _maps: OrderedDict[str, Array] = field(default_factory=OrderedDict)

    def open(self, uri: str) -> Payload:
        """The payload as a read-only memory map. Raises DataError for a uri that the store does not have, or a damaged file."""
        row = self._rows.get(uri)
        if row is None:
            raise DataError(f"the store {self.store} has no payload {uri!r}")
        file, _, index = uri.partition("#")
        values = self._map(file)
        return replace(row, values=values[int(index)] if index else values)

    @cached_property
    def _rows(self) -> dict[str, Payload]:
        """Each payload by its uri, as yet without values."""
        if not (self.store / TABLE).exists():
            return {}
        frame = pl.read_parquet(self.store / TABLE)
        if "affine" not in frame.columns:  # a store of before images had a space
            frame = frame.with_columns(affine=None, axes=None, oriented=None)
        columns = ("uri", "rate_hz", "channels", "unit", "affine", "axes", "oriented", "name")
        return {
            uri: Payload(NOTHING, rate, tuple(channels), unit, _space(affine, axes, oriented), name)
            for uri, rate, channels, unit, affine, axes, oriented, name in frame.select(columns).iter_rows()
        }

    def _map(self, file: str) -> Array:
        found = self._maps.get(file)
        if found is None:
            found = self._maps[file] = self._opened(file)
            if len(self._maps) > OPEN_MAPS:
                self._maps.popitem(last=False)
        self._maps.move_to_end(file)
        return found

    def _opened(self, file: str) -> Array:
        try:
            opened: Array = np.load(self.store / FOLDER / file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(f"the payload file {file} of the store {self.store} cannot be read: {error}") from error
        return opened


def _told(space: Space | None) -> dict[str, Any]:
    """The columns of the table that tell of a space."""
    if space is None:
        return {"affine": None, "axes": None, "oriented": None}
    return {"affine": space.affine.ravel().tolist(), "axes": space.axes, "oriented": space.oriented}


def _space(affine: list[float] | None, axes: str | None, oriented: bool | None) -> Space | None:
    return None if affine is None else Space(np.reshape(affine, (4, 4)), axes or "", bool(oriented))


def _save(path: Path, arrays: Any, whole: bool = False) -> None:
    """Writes equal arrays one after another as one .npy of a leading axis, or, where `whole`, the only one as it is."""
    first = arrays[0]
    shape = first.shape if whole else (len(arrays), *first.shape)
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": np.lib.format.dtype_to_descr(first.dtype), "fortran_order": False, "shape": shape}
        )
        for array in arrays:
            file.write(array.data.cast("B"))


def _in_pieces(values: Array) -> bool:
    """Whether a signal is read as it is written, rather than held."""
    return not isinstance(values, np.ndarray)


def _digest(row: dict[str, Any], values: Iterable[bytes | memoryview]) -> bytes:
    told = sorted(row.keys() - (set() if row["affine"] else {"affine", "axes", "oriented"}))
    digest = hashlib.blake2b(repr([row[key] for key in told]).encode(), digest_size=32)
    for part in values:
        digest.update(part)
    return digest.digest()
