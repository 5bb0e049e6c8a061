"""CPU-seconds of 1,000 bootstrap intervals (by subject) of AUROC, AUPRC and Brier on 100,000 rows: at most 10.

OMP_NUM_THREADS=1 python bench/intervals.py
"""

from __future__ import annotations

from functools import partial

import numpy as np
from harness import measure, record

from sequela.evaluate.intervals import bootstrap, delong, percentiles
from sequela.metrics.discrimination import ranked
from sequela.metrics.probability import brier
from sequela.types import Array

ROWS, RESAMPLES, LIMIT = 100_000, 1000, 10.0


def rows(subjects: int) -> tuple[Array, Array, Array]:
    """Well calibrated risks of a mean of .14, outcomes drawn from them, and the subject of each row."""
    random = np.random.default_rng(0)
    risk = random.beta(1, 6, ROWS)
    return risk, random.random(ROWS) < risk, np.sort(random.integers(0, subjects, ROWS))


def timed(subjects: int) -> dict[str, object]:
    risk, event, subject = rows(subjects)
    with measure() as cost:
        order = ranked(risk, event)
        samples = bootstrap(subject, [order.auroc, order.auprc, partial(brier, risk, event)], RESAMPLES, 0)
    found = delong(risk, event, subject)
    return {
        "subjects": len(np.unique(subject)),
        "cpu_seconds": cost.cpu_seconds,
        "wall_seconds": cost.wall_seconds,
        "intervals": dict(zip(("auroc", "auprc", "brier"), map(percentiles, samples), strict=True)),
        "delong": (found.low, found.high),
    }


if __name__ == "__main__":
    found = [timed(ROWS), timed(5000)]
    met = max(float(str(one["cpu_seconds"])) for one in found) <= LIMIT
    record("intervals", {"rows": ROWS, "resamples": RESAMPLES, "limit_cpu_seconds": LIMIT, "met": met, "runs": found})
