"""Rows with a planted answer, for every kind of task."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sequela import seed as streams
from sequela.contracts import Evidence
from sequela.types import Array, Horizon, Plain, Ragged, Spec, Target, Times

NAMES = {
    "binary": ("death",),
    "multiclass": ("a", "b", "c"),
    "multilabel": ("p", "q"),
    "regression": ("x", "y"),
}


def labels(kind: str, columns: Array, noise: Array) -> Array:
    """What the first columns cause, with noise: a number is taken as its own rank where a label is asked for."""
    cause = np.nan_to_num(columns[:, :2]) + noise
    if kind == "multiclass":
        return np.digitize(cause[:, :1], [-0.5, 0.5]).astype(np.float64)
    return cause if kind == "regression" else (cause[:, : len(NAMES[kind])] > 0.3).astype(np.float64)


@pytest.fixture(scope="session")
def planted() -> Callable[..., Evidence]:
    """Evidence of so many rows whose first columns cause the labels; a tenth of the entries and of the labels is missing."""

    def make(kind: str, rows: int, seed: int = 0, columns: int = 6, noise: float = 0.5) -> Evidence:
        random = streams.generator(seed, "planted", kind)
        values = random.normal(size=(rows, columns)).astype(np.float32)
        target = labels(kind, values, noise * random.normal(size=(rows, 2)))
        values[random.random(values.shape) < 0.1] = np.nan
        known = random.random(target.shape) < 0.9
        names = tuple(f"chart.c{i}" for i in range(columns))
        return Evidence(
            {}, {}, Plain(values, names), Target(target, known, NAMES[kind]), np.arange(rows), np.arange(rows).astype(str)
        )

    return make


@pytest.fixture
def of_windows() -> Callable[..., Evidence]:
    """Evidence of rows whose last step is a window (C, L); `cause` is the label that each window was drawn for."""

    def make(windows: Array, cause: Array, names: tuple[str, ...], kind: str = "waveform") -> Evidence:
        rows = len(windows)
        ragged = Ragged(np.arange(rows + 1), windows.astype(np.float32), np.zeros(rows))
        spec = Spec(kind, windows.shape[1:], "seconds")
        target = Target(cause.astype(np.float64)[:, None], np.ones((rows, 1), bool), names)
        plain = Plain(np.zeros((rows, 0), np.float32), ())
        return Evidence({"lead": ragged}, {"lead": spec}, plain, target, np.arange(rows), np.arange(rows).astype(str))

    return make


@pytest.fixture(scope="session")
def watched() -> Callable[..., Evidence]:
    """Evidence of so many rows watched for a while; of two causes, the first column raises "death", the second "transplant"."""

    def make(rows: int, seed: int = 0, columns: int = 4, missing: float = 0.1, late: float = 0.3) -> Evidence:
        random = streams.generator(seed, "watched")
        values = random.normal(size=(rows, columns))
        each = random.exponential(np.exp(-values[:, :2]) * [[20.0, 40.0]])
        until = random.uniform(5, 60, rows)
        time, cause = np.minimum(each.min(1), until), np.where(each.min(1) < until, each.argmin(1) + 1, 0)
        entry = np.where(random.random(rows) < late, random.uniform(0, 0.9, rows) * time, 0.0)
        values[random.random(values.shape) < missing] = np.nan
        times = Times(time, cause, entry, (Horizon("10d", 10.0), Horizon("30d", 30.0)))
        names = tuple(f"chart.c{column}" for column in range(columns))
        target = Target(cause[:, None].astype(float), np.ones((rows, 1), bool), ("death", "transplant"), times)
        plain = Plain(values.astype(np.float32), names)
        return Evidence({}, {}, plain, target, np.arange(rows), np.arange(rows).astype(str))

    return make
