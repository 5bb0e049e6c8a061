from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from msgspec import structs
from torch import Tensor

from sequela.train import checkpoint
from sequela.train.state import Epoch, Record

RECORD = Record(
    fingerprint={"train.batch": "8"},
    epoch=2,
    step=3,
    loss_sum=0.1 + 0.2,
    row_count=24,
    epoch_seconds=1.5,
    cpu_seconds=7.25,
    history=[Epoch(epoch=1, train_loss=1 / 3, tune_loss=None, tune_score=None, lr=1e-3, seconds=0.1)],
    complete=False,
)


def tensors(seed: int) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {"model.a": torch.randn(4, 3, generator=random), "optimizer.0.step": torch.tensor(5.0), "model.n": torch.tensor(3)}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_written_is_read_to_the_bit(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, RECORD, tensors(0))
    found = checkpoint.newest(tmp_path)
    assert found is not None and found[0] == RECORD and same(found[1], tensors(0))


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    for step in range(5):
        checkpoint.write(tmp_path, structs.replace(RECORD, step=step), tensors(step))
    assert [path.name[:6] for path in sorted(tmp_path.iterdir())] == ["000004", "000005"]
    found = checkpoint.newest(tmp_path)
    assert found is not None and found[0].step == 4 and same(found[1], tensors(4))


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path / "nowhere") is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_one_gives_way_to_the_one_before(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint.write(tmp_path, RECORD, tensors(0))
    newest = checkpoint.write(tmp_path, RECORD, tensors(1))
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes({"cut": newest.read_bytes()[:40], "flipped": bytes(content), "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        found = checkpoint.newest(tmp_path)
    assert found is not None and same(found[1], tensors(0))
    assert f"the checkpoint {newest.name} is damaged" in caplog.text
    newest.unlink()
    assert checkpoint.write(tmp_path, RECORD, tensors(2)).name.startswith("000002")


def test_a_write_that_fails_leaves_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.write(tmp_path, RECORD, tensors(0))

    def full(_handle: int) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.write(tmp_path, RECORD, tensors(1))
    found = checkpoint.newest(tmp_path)
    assert found is not None and same(found[1], tensors(0))


def test_clearing_takes_half_written_files_too_and_nothing_else(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, RECORD, tensors(0))
    (tmp_path / ".000002-ff.safetensors.part").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    checkpoint.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
