"""Rows that were watched for a while, for the tests of what nets are taught of times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from sequela.nn.survival.watched import Watched, of_times
from sequela.types import Horizon, Times

HORIZONS = (Horizon("1y", 365.25), Horizon("3y", 1095.75))


def made_times(rows: int, seed: int = 0, causes: int = 2, *, late: bool = True, whole: bool = False) -> Times:
    """Times of some years: censored ones, events of each cause, some after the last horizon; with `whole`, ties."""
    random = np.random.default_rng(seed)
    time = random.exponential(800.0, rows) + 2.0
    time = np.ceil(time / 100) * 100 if whole else time
    entry = np.where(random.random(rows) < 0.4, time * random.random(rows) * 0.9, 0.0) if late else np.zeros(rows)
    return Times(time, random.integers(0, causes + 1, rows), entry, HORIZONS)


def watched(times: Times) -> Watched:
    return of_times(times, torch.device("cpu"))


@pytest.fixture
def times() -> Callable[..., Times]:
    return made_times
