"""Small synthetic evidence and studies for the tests of training."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sequela import config
from sequela.contracts import Evidence
from sequela.train.fit import Trained, fit
from sequela.types import Plain, Ragged, Spec, Target


def small_evidence(rows: int, seed: int, features: int = 3, subjects: int | None = None) -> Evidence:
    """Series of 1 to 8 steps; the label is whether the first feature is above 0 in the mean."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 9, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = random.normal(size=(offsets[-1], features)).astype(np.float32)
    means = np.array([values[a:b, 0].mean() for a, b in pairwise(offsets)])
    ragged = Ragged(offsets, values, -np.sort(random.random(offsets[-1]))[::-1], np.ones(values.shape, bool))
    return Evidence(
        inputs={"chart": ragged},
        specs={"chart": Spec("measurements", (features,), "days")},
        plain=Plain(np.zeros((rows, 0), np.float32), ()),
        target=Target((means > 0).astype(float)[:, None], np.ones((rows, 1), bool), ("ill",)),
        subject=np.arange(rows) if subjects is None else random.integers(0, subjects, rows),
        row_id=np.array([f"row{number}" for number in range(rows)]),
    )


def small_study(**train: Any) -> config.Study:
    settings = {"epochs": 3, "batch": 8, "patience": 2, "optimizer": {"lr": 0.01}} | train
    return config.convert(
        {
            "name": "small",
            "question": "Is the first feature high?",
            "data": {"source": "."},
            "cohort": {"index": "SAMPLE"},
            "outcome": {"column": "ill"},
            "inputs": {"chart": {"modality": "measurements", "encoder": {"name": "gru", "width": 6, "dropout": 0.3}}},
            "task": "binary",
            "train": settings,
        },
        config.Study,
    )


@pytest.fixture
def evidence() -> Callable[..., Evidence]:
    return small_evidence


@pytest.fixture
def study() -> Callable[..., config.Study]:
    return small_study


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., Trained]:
    """A small training in a folder of its own, with these settings of train."""

    def run(name: str = "run", **train: Any) -> Trained:
        return fit(small_study(**train), small_evidence(40, 0), small_evidence(30, 1), tmp_path / name)

    return run
