"""Some subjects of a study of survival as time went by: the curves of each prediction, and what came of them in the end."""

from __future__ import annotations

import numpy as np

from sequela.bundle.predictor import Predictor
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import OutlookFacts
from sequela.types import Array, Cohort, Target, Times

POINTS = 61  # days from a prediction to the last horizon
DAY = np.timedelta64(1, "D")


def outlooks(predictor: Predictor, one: Judged) -> list[OutlookFacts]:
    """Of each cause the subject to whom it came after the most predictions, and the one who was free of all after the most.

    Nothing where the task is another, or nobody is asked about twice.
    """
    curves, target = one.answers[predictor.final].curves, one.cohort.target
    if curves is None or not isinstance(target.dense, Times) or np.isnat(one.cohort.time).any():
        return []
    days = np.linspace(0, target.dense.horizons[-1].days, POINTS)
    found = []
    for rows in _chosen(one.cohort, target.dense):
        incidence = curves.take(rows).at(days)
        found.append(_outlook(one.cohort, target, rows, days, incidence))
    return found


def _chosen(cohort: Cohort, times: Times) -> list[Array]:
    """The rows of each subject that is drawn, by time; of several with as many rows the first."""
    known = np.flatnonzero(cohort.target.known[:, 0])
    found = []
    for cause in [*range(1, len(cohort.target.names) + 1), 0]:
        own = known[times.cause[known] == cause]
        subjects, count = np.unique(cohort.subject_id[own], return_counts=True)
        if len(count) and count.max() > 1:
            rows = own[cohort.subject_id[own] == subjects[count.argmax()]]
            found.append(rows[np.argsort(cohort.time[rows], kind="stable")])
    return found


def _outlook(cohort: Cohort, target: Target, rows: Array, days: Array, incidence: Array) -> OutlookFacts:
    times, last = target.dense, rows[-1]
    since = (cohort.time[rows] - cohort.start[rows]) / DAY
    cause = int(times.cause[last])
    return OutlookFacts(
        row_id=str(cohort.row_id[last]),
        names=list(target.names),
        unit=times.unit,
        since=since.tolist(),
        days=days.tolist(),
        incidence=incidence.round(5).tolist(),
        ended=float(since[-1] + times.time[last]),
        cause=target.names[cause - 1] if cause else "",
    )
