"""Signals that come piece by piece are stored as the arrays they would be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from sequela.errors import DataError
from sequela.store import open_store
from sequela.store.store import Store
from sequela.store.write import StoreWriter
from sequela.types import Array, Payload

DAY = datetime(2020, 1, 1)


@dataclass
class Sliced:
    """A signal behind `[:, a:b]`; what was asked for is kept."""

    held: Array
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.held.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.held.dtype

    def __getitem__(self, key: tuple[slice, slice]) -> Array:
        self.asked.append((key[1].start, key[1].stop))
        return self.held[key]


class Cut(Sliced):
    """One that ends before it says."""

    def __getitem__(self, key: tuple[slice, slice]) -> Array:
        return super().__getitem__(key)[:, :-1]


class Broken(Sliced):
    """One that cannot be read past its first piece."""

    def __getitem__(self, key: tuple[slice, slice]) -> Array:
        if key[1].start:
            raise DataError("its signal file is cut short")
        return super().__getitem__(key)


def given(values: Any) -> Payload:
    return Payload(cast(Array, values), 360.0, ("MLII", "V1", "V5"), "mV")


def stored(path: Path, *signals: Any) -> Store:
    with StoreWriter(path, "test", "test", 1) as sink:
        sink.code("WAVEFORM", "payload")
        for number, values in enumerate(signals):
            uri = sink.payload(f"r{number}", given(values))
            sink.events(pl.DataFrame({"source_id": ["1"], "time": [DAY], "code": ["WAVEFORM"], "payload": [uri]}))
    return open_store(path)


@pytest.fixture
def signal() -> Array:
    return np.random.default_rng(0).normal(size=(3, 1003)).astype(np.float32)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sequela.store.pieces.PIECE_VALUES", 300)
    monkeypatch.setattr("sequela.store.pieces.BLOCK_BYTES", 1000)


def test_a_signal_in_pieces_is_stored_as_its_whole_to_the_bit(tmp_path: Path, signal: Array) -> None:
    pieces = Sliced(signal)
    whole, strewn = stored(tmp_path / "a.store", signal), stored(tmp_path / "b.store", pieces)
    file = "payloads/signals-000000.npy"
    assert (tmp_path / "a.store" / file).read_bytes() == (tmp_path / "b.store" / file).read_bytes()
    assert whole.manifest.dataset.content_hash == strewn.manifest.dataset.content_hash
    assert pieces.asked == [(first, min(first + 100, 1003)) for first in range(0, 1003, 100)]


def test_signals_in_pieces_and_whole_ones_are_numbered_together(tmp_path: Path, signal: Array) -> None:
    store = stored(tmp_path / "a.store", signal, Sliced(signal * 2), signal * 3)
    for number in range(3):
        np.testing.assert_array_equal(store.payloads.open(f"signals-{number:06d}.npy").values, signal * (number + 1))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (Sliced(np.zeros((3, 9))), "float64; stored are"),
        (Sliced(np.zeros((3, 9), np.int16)), "given in pieces, is int16"),
        (Sliced(np.zeros((3, 9, 9), np.float32)), "expected float32"),
        (Sliced(np.zeros((3, 0), np.float32)), "has the shape"),
        (Cut(np.zeros((3, 9), np.float32)), r"the samples 0 to 9 of a signal came as float32 \(3, 8\)"),
    ],
)
def test_pieces_that_cannot_be_kept_are_refused(tmp_path: Path, values: Sliced, says: str) -> None:
    with pytest.raises(DataError, match=says):
        stored(tmp_path / "a.store", values)


def test_a_signal_that_breaks_off_leaves_nothing_and_the_next_takes_its_place(tmp_path: Path, signal: Array) -> None:
    path = tmp_path / "a.store"
    with StoreWriter(path, "test", "test", 1) as sink:
        sink.code("WAVEFORM", "payload")
        with pytest.raises(DataError, match="cut short"):
            sink.payload("r0", given(Broken(signal)))
        uri = sink.payload("r0", given(signal))
        sink.events(pl.DataFrame({"source_id": ["1"], "time": [DAY], "code": ["WAVEFORM"], "payload": [uri]}))
    assert open_store(path).manifest.dataset.content_hash == stored(tmp_path / "b.store", signal).manifest.dataset.content_hash
    assert [file.name for file in (path / "payloads").iterdir()] == ["signals-000000.npy"]
