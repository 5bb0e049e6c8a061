"""A run of several splits, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.runs import PLAIN

from sequela.pipeline import run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store


@pytest.fixture(scope="session")
def folds(ward: Store, demo: Path, small: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("folds") / "run"
    return run(demo, data=ward, out=out, overrides=(*small, *PLAIN, 'split={ by = "folds", folds = 3 }'))
