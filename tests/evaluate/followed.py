"""Made rows that were watched for a while, with curves of a model and of baselines."""

from __future__ import annotations

import numpy as np
from runs import cohort

from sequela.evaluate.evaluation import Judged
from sequela.types import Answer, Array, Curves, Horizon, Target, Times

NAMES = ("death", "transplant")
HORIZONS = (Horizon("1y", 365.25), Horizon("3y", 1095.75))
GRID = np.linspace(0, HORIZONS[-1].days, 21)[1:]
RATES = 1 / 1500, 1 / 5000  # a day, of each cause at its middle


def target(time: Array, cause: Array, entry: Array | None = None) -> Target:
    since = np.zeros(len(time)) if entry is None else entry
    times = Times(np.asarray(time, float), np.asarray(cause, np.int64), since, HORIZONS, "years")
    return Target(times.cause[:, None].astype(float), np.ones((len(times), 1), bool), NAMES, times)


def exponential(factor: Array) -> Answer:
    """Curves of constant hazards, that of the first cause times the factor."""
    first, both = RATES[0] * factor, RATES[0] * factor + RATES[1]
    share = np.stack([first / both, RATES[1] / both], 1)[:, :, None]
    incidence = share * (1 - np.exp(-both[:, None] * GRID))[:, None]
    return Answer("curves", incidence[:, :, -1], NAMES, curves=Curves(GRID, incidence))


def judged(count: int = 200, seed: int = 0, *, late: bool = False, grouped: bool = False, split: str = "1") -> Judged:
    """A model that knows the hazards, one that half knows them, and one that knows none; two rows of each subject."""
    random = np.random.default_rng(seed)
    score = random.normal(size=count)
    came = [random.exponential(1 / RATES[0] / np.exp(score)), random.exponential(1 / RATES[1], count)]
    until = random.uniform(200, 2500, count)
    time = np.ceil(np.minimum(np.minimum(*came), until))
    cause = np.where(until <= np.minimum(*came), 0, np.argmin(came, 0) + 1)
    entry = np.where(random.random(count) < 0.2, np.floor(time / 2), 0.0) if late else None
    answers = {
        "model": exponential(np.exp(score)),
        "baseline:cox": exponential(np.exp(score / 2 + random.normal(size=count) / 2)),
        "baseline:aalen_johansen": exponential(np.ones(count)),
    }
    groups = {"landmark": np.where(np.arange(count) % 3 == 0, "1y", "3y"), "site": np.where(np.arange(count) < 6, "A", "B")}
    return Judged(cohort(target(time, cause, entry), np.arange(count) // 2, groups if grouped else {}), answers, {}, split)
