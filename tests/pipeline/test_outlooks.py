"""Subjects of a survival study as time went by: whom is drawn, and what of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from sequela.evaluate.evaluation import Judged
from sequela.pipeline.outlooks import outlooks
from sequela.types import Answer, Cohort, Curves, Horizon, Target, Times

YEAR = 365.25
MODEL = SimpleNamespace(final="model")
SINCE = np.array([0, 1, 2, 0, 1, 0, 1, 2, 0])  # years; subjects 1 (death), 2 (death), 3 (free), 4 (asked about once)
SUBJECT = np.array([1, 1, 1, 2, 2, 3, 3, 3, 4])
ENDED = np.array([2.5, 2.5, 2.5, 3, 3, 6, 6, 6, 1])
CAUSE = np.array([1, 1, 1, 1, 1, 0, 0, 0, 2])


def judged(*, timed: bool = True) -> Judged:
    times = Times((ENDED - SINCE) * YEAR, CAUSE, np.zeros(9), (Horizon("2y", 2 * YEAR),), "years")
    target = Target(CAUSE[:, None].astype(float), np.ones((9, 1), bool), ("death", "graft"), times)
    start = np.full(9, np.datetime64("2000-01-01", "us"))
    moment = start + (SINCE * YEAR * 86_400e6).astype("timedelta64[us]")
    time = moment if timed else np.full(9, np.datetime64("NaT", "us"))
    rows = np.array([f"{subject}@{since}" for subject, since in zip(SUBJECT, SINCE, strict=True)])
    incidence = np.linspace(0.1, 0.9, 9)[:, None, None] * np.array([[0.5, 1.0], [0.05, 0.1]])
    answer = Answer("curves", incidence[:, :, -1], target.names, curves=Curves(np.array([YEAR, 2 * YEAR]), incidence))
    part = np.full(9, "test")
    return Judged(Cohort(SUBJECT, SUBJECT.astype(str), rows, start, time, part, target), {"model": answer}, {}, "")


def test_of_each_cause_the_subject_who_was_asked_about_most_is_drawn_and_one_who_was_free() -> None:
    death, free = outlooks(MODEL, judged())
    assert (death.row_id, death.cause, free.row_id, free.cause) == ("1@2", "death", "3@2", "")
    assert death.since == [0, YEAR, 2 * YEAR] and death.ended == 2.5 * YEAR
    np.testing.assert_allclose([curves[0][-1] for curves in death.incidence], [0.1, 0.2, 0.3])
    assert all(curves[0][0] == 0 for curves in death.incidence)


def test_rows_without_time_are_not_drawn() -> None:
    assert outlooks(MODEL, judged(timed=False)) == []
