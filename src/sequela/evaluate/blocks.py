"""What is drawn in a resample: subjects; where there is one subject alone, stretches of its rows in time.

A single series has nobody else to draw. Neighbours in it depend on one another, so whole stretches are drawn (Carlstein 1986,
blocks that do not overlap), of n^(1/3) rows rounded up: the order at which the error of a mean is estimated best (Künsch 1989).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sequela.types import Array, Cohort


def by_block(cohort: Cohort) -> Cohort:
    """The cohort as resamples see it: as it is, or, of one subject, with the number of each row's stretch for its subject.

    Rows are in order of time, as those of a cohort are.
    """
    if len(cohort) < 2 or (cohort.subject_id != cohort.subject_id[0]).any():
        return cohort
    return replace(cohort, subject_id=stretches(len(cohort)))


def stretches(rows: int) -> Array:
    """The number of the stretch that each row of a series belongs to, int64.

    >>> stretches(8).tolist()
    [0, 0, 1, 1, 2, 2, 3, 3]
    """
    return np.arange(rows) // int(np.ceil(round(rows ** (1 / 3), 9)))
