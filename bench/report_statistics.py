"""CPU-seconds of all statistics of a report on 100,000 rows with groups, a model and two baselines: at most 30.

OMP_NUM_THREADS=1 python bench/report_statistics.py
"""

from __future__ import annotations

import numpy as np
from harness import measure, record

from sequela import config
from sequela.evaluate.evaluation import Judged, evaluate
from sequela.evaluate.fairness import fairness, groupings
from sequela.evaluate.threshold import choose_all
from sequela.types import Answer, Array, Cohort, Target

ROWS, RESAMPLES, LIMIT = 100_000, 1000, 30.0
SITES = 8
MODELS = {"model": 1.6, "baseline:boosting": 1.5, "baseline:logistic": 1.2}


def judged() -> Judged:
    """Well calibrated risks of three answers, a row in seven with the event, patients of sex, age band and site."""
    random = np.random.default_rng(0)
    event = random.random(ROWS) < 0.14
    target = Target(event[:, None].astype(float), np.ones((ROWS, 1), bool), ("death",))
    answers = {name: Answer("probabilities", _risk(random, event, skill)[:, None], ("death",)) for name, skill in MODELS.items()}
    groups = {
        "sex": random.choice(["F", "M"], ROWS),
        "age_band": random.choice(["<40", "40-59", "60-79", "80+"], ROWS, p=[0.15, 0.3, 0.4, 0.15]),
        "site": np.char.add("s", random.integers(0, SITES, ROWS).astype(str)),
    }
    never = np.full(ROWS, np.datetime64("NaT"), "datetime64[us]")
    names = np.arange(ROWS).astype(str)
    cohort = Cohort(np.arange(ROWS), names, names, never, never, np.full(ROWS, "test"), target, groups)
    return Judged(cohort, answers, choose_all("binary", answers, target, "youden"), "1")


def _risk(random: np.random.Generator, event: Array, skill: float) -> Array:
    score = random.normal(size=len(event)) + skill * event
    logits = skill * score - skill**2 / 2 + np.log(event.mean() / (1 - event.mean()))
    risk: Array = 1 / (1 + np.exp(-logits))
    return risk


if __name__ == "__main__":
    one, settings = judged(), config.Evaluate(bootstrap=RESAMPLES)
    groups = groupings(one.cohort.groups, [], [["sex", "age_band"]])
    with measure() as evaluated:
        found = evaluate("binary", one.cohort, one.answers, settings, one.thresholds, part="test", split="1", seed=0)
    with measure() as compared:
        facts = fairness("binary", "model", one, groups, {}, settings, seed=0)
    whole = evaluated.cpu_seconds + compared.cpu_seconds
    payload = {"rows": ROWS, "resamples": RESAMPLES, "answers": list(MODELS), "groupings": [group.name for group in groups]}
    payload |= {"limit_cpu_seconds": LIMIT, "met": whole <= LIMIT, "cpu_seconds": whole}
    payload |= {"evaluate_cpu_seconds": evaluated.cpu_seconds, "fairness_cpu_seconds": compared.cpu_seconds}
    counts = {"numbers": len(found.metrics), "gaps": sum(facts.family.values())}
    record("report_statistics", payload | counts)
