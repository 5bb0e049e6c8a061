"""What answers to spoilt rows are worth: of too few rows nothing is told but how many there were, and whose call changed."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.evaluate.robustness.facts import Measured, Point
from sequela.evaluate.robustness.judged import Judge
from sequela.types import Answer, Cohort, Target


def point(events: int, others: int, fewest: int) -> Point:
    """Of rows of which those with the event got the higher risks, by a judge that asks for so many of either."""
    rows = events + others
    truth = np.arange(rows)[:, None] < events
    target = Target(truth.astype(float), np.ones_like(truth), ("d",))
    names, moments = np.array([str(row) for row in range(rows)]), np.zeros(rows, dtype="datetime64[us]")
    cohort = Cohort(np.arange(rows), names, names, moments, moments, np.full(rows, "test"), target)
    answer = Answer("probabilities", np.linspace(0.9, 0.1, rows)[:, None], ("d",))
    judge = Judge("binary", "auroc", {"model": 0.5}, 0.95, 0, fewest=fewest)
    return judge.point(0.2, "model", cohort, answer, answer, 0)


@pytest.mark.parametrize(("events", "others"), [(4, 20), (20, 4), (0, 14)])
def test_a_score_of_too_few_rows_with_or_without_the_event_is_not_told(events: int, others: int) -> None:
    found = point(events, others, 5)
    assert found.score == found.drop == found.calibration == Measured()
    assert found.rows == events + others and found.flipped.value == 0


def test_a_score_of_as_many_rows_as_are_asked_for_is_told() -> None:
    found = point(5, 5, 5)
    assert found.score.value == 1 and found.drop.value == 0 and found.calibration.value is not None
