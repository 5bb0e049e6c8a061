"""Times to events as the audit looks at them: what had come by a horizon as a yes-or-no label, and causes that a part lacks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sequela.types import PARTS, Array, Cohort, Target


def labels(target: Target) -> Iterator[tuple[Array, Array]]:
    """Whether anything had come by each horizon, and whether each cause had come then and at all (float64 "N"); where known.

    A row that was censored before a horizon is not known by it; one that had another cause has not had this one.
    """
    times, known = target.dense, target.known[:, 0]
    came = times.cause > 0
    each = [times.cause == cause for cause in range(1, len(target.names) + 1)]
    for horizon in times.horizons:
        soon = times.time <= horizon.days
        for hit in [came, *each]:
            yield (hit & soon).astype(float), known & (~soon | came)
    for hit in each:
        yield hit.astype(float), known


def lacking(cohort: Cohort) -> Iterator[tuple[str, Array]]:
    """What is said of the parts in which no row has one of the causes, and their rows (indices)."""
    target = cohort.target
    for cause, name in enumerate(target.names, 1):
        for part in PARTS:
            rows = np.flatnonzero(target.known[:, 0] & (cohort.part == part))
            if len(rows) and not (target.dense.cause[rows] == cause).any():
                yield f"{name} came to none of {len(rows)} rows of the {part} part", rows
