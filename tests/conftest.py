"""Fixtures that every test may use."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """The folder of a set of real data; skips, with the set's name, where SEQUELA_DATA does not hold it."""

    def find(name: str) -> Path:
        root = os.environ.get("SEQUELA_DATA", "")
        if not root or not (Path(root) / name).is_dir():
            pytest.skip(f"the real data set {name!r} is not under SEQUELA_DATA")
        return Path(root).resolve() / name

    return find


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache."""
    monkeypatch.setenv("SEQUELA_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
