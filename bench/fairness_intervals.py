"""How often the intervals of gaps between groups hold the truth, over simulated studies: near the nominal 95 %.

A patient has one to three rows that depend on one another. Three groups differ in how well the model ranks them, in how often
they are called and in calibration; the truth of each gap is that of a population of two million patients.

OMP_NUM_THREADS=1 python bench/fairness_intervals.py
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from harness import measure, record

from sequela import config
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.fairness import Gap, fairness, groupings
from sequela.types import Answer, Array, Cohort, Target

SIMULATIONS, PATIENTS, POPULATION, RESAMPLES = 200, 1200, 2_000_000, 1000
METRICS = ("selection_rate", "sensitivity", "specificity", "ppv", "auroc", "observed_expected")
SKILL = np.array([1.5, 1.2, 0.9])  # distance of the mean scores of events and others, by group
SHIFT = np.array([0.0, 0.3, -0.3])  # of the logits in which each group's risks are off
SHARES = (0.5, 0.3, 0.2)
RARE, CUT = 0.2, 0.25


def patients(random: np.random.Generator, count: int) -> tuple[Array, Array, Array, Array]:
    """Subject, group, event and risk of each row."""
    subject = np.repeat(np.arange(count), random.integers(1, 4, count))
    group = random.choice(3, count, p=SHARES)[subject]
    leaning = random.normal(size=count)[subject]  # what the rows of a patient share
    event = 0.6 * leaning + 0.8 * random.normal(size=len(subject)) > 0.8416
    score = 0.5 * random.normal(size=count)[subject] + 0.866 * random.normal(size=len(subject)) + SKILL[group] * event
    logits = SKILL[group] * score - SKILL[group] ** 2 / 2 + np.log(RARE / (1 - RARE)) + SHIFT[group]
    return subject, group, event, 1 / (1 + np.exp(-logits))


def gaps(rows: tuple[Array, Array, Array, Array], resamples: int, seed: int) -> list[Gap]:
    subject, group, event, risk = rows
    never, names = np.full(len(subject), np.datetime64("NaT"), "datetime64[us]"), np.arange(len(subject)).astype(str)
    target = Target(event[:, None].astype(float), np.ones((len(event), 1), bool), ("event",))
    site = np.array(["A", "B", "C"])[group]
    cohort = Cohort(subject, names, names, never, never, np.full(len(subject), "test"), target, {"site": site})
    judged = Judged(cohort, {"model": Answer("probabilities", risk[:, None], ("event",))}, {"model": CUT}, "1")
    settings = config.Evaluate(bootstrap=resamples)
    return fairness("binary", "model", judged, groupings(cohort.groups), {}, settings, seed=seed).groupings[0].gaps


def simulated() -> dict[str, object]:
    truth = {(gap.metric, gap.level): gap.value for gap in gaps(patients(np.random.default_rng(10**6), POPULATION), 0, 0)}
    alone: dict[str, list[bool]] = defaultdict(list)
    together: dict[str, list[bool]] = defaultdict(list)
    for seed in range(SIMULATIONS):
        found = gaps(patients(np.random.default_rng(seed), PATIENTS), RESAMPLES, seed)
        for metric in METRICS:
            those = [gap for gap in found if gap.metric == metric]
            alone[metric] += [inside(gap.low, truth[metric, gap.level], gap.high) for gap in those]
            together[metric].append(all(inside(gap.low_all, truth[metric, gap.level], gap.high_all) for gap in those))
    told = {f"{metric} of {level}": value for (metric, level), value in truth.items() if metric in METRICS}
    return {
        "truth": told,
        "coverage": {m: _share(alone[m]) for m in METRICS},
        "all_at_once": {m: _share(together[m]) for m in METRICS},
    }


def inside(low: float | None, value: float, high: float | None) -> bool:
    return low is not None and high is not None and low <= value <= high


def _share(those: list[bool]) -> dict[str, float]:
    """The share, how many it is of, and its standard error as if each simulation's gaps were one."""
    share = float(np.mean(those))
    return {"covered": share, "of": len(those), "standard_error": float(np.sqrt(share * (1 - share) / SIMULATIONS))}


if __name__ == "__main__":
    with measure() as cost:
        found = simulated()
    settings = {"simulations": SIMULATIONS, "patients": PATIENTS, "resamples": RESAMPLES, "nominal": 0.95}
    record("fairness_intervals", settings | found | {"cpu_seconds": cost.cpu_seconds})
