"""Alarms and ranges over recordings, held against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sequela import config
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.metric import Metric
from sequela.evaluate.recordings import recordings
from sequela.types import Answer, Array, Cohort, Target

SECOND = np.timedelta64(1, "s")
EPOCH = np.datetime64("2020-01-01", "us")


def cohort(rows: list[tuple[int, int, int]]) -> Cohort:
    """Rows of (subject, second, label)."""
    subject, second, label = (np.array(column) for column in zip(*rows, strict=True))
    time = (EPOCH + second * SECOND).astype("datetime64[us]")
    names = np.arange(len(rows)).astype(str)
    target = Target(label[:, None].astype(float), np.ones((len(rows), 1), bool), ("V",))
    return Cohort(subject, names, names, time, time, np.full(len(rows), "test"), target)


# two recordings of subject 1 an hour apart, one of subject 2; a row a second
ROWS = cohort(
    [(1, s, label) for s, label in enumerate([0, 1, 1, 0, 0, 1])]
    + [(1, 3600 + s, label) for s, label in enumerate([1, 0, 0])]
    + [(2, s, label) for s, label in enumerate([0, 0, 1, 0])]
)
CALLED = np.array([1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1], float)


def found(risk: Array, rows: Cohort = ROWS, **settings: object) -> dict[str, Metric]:
    asked = config.Evaluate(bootstrap=50, **settings)  # type: ignore[arg-type]
    answers = {"model": Answer("probabilities", risk[:, None], ("V",))}
    said = evaluate("binary", rows, answers, asked, {"model": 0.5}, part="test", split="s", seed=0).metrics
    return {row.metric: row for row in said}


def test_a_gap_ends_a_recording_and_its_last_row_stands_for_the_usual_gap() -> None:
    held = recordings(ROWS, np.arange(len(ROWS)), 10_000_000)
    assert held is not None
    assert held.number.tolist() == [0] * 6 + [1] * 3 + [2] * 4
    assert held.hours == pytest.approx(np.full(13, 1 / 3600))


def test_alarms_at_rows_without_the_event_are_false() -> None:
    assert found(CALLED, recording="10s")["false_alarms_per_hour"].value == pytest.approx(4 / 13 * 3600)


def test_after_an_alarm_there_is_silence_in_its_recording() -> None:
    silent = found(np.ones(13), recording="10s", silence="4s")["false_alarms_per_hour"]
    assert silent.value == pytest.approx(3 / 13 * 3600)  # at 0 and 4 s of the first, 0 s of the third; 0 s of the second is true


def test_ranges_are_found_and_called_as_counted_by_hand() -> None:
    said = found(CALLED, recording="10s")
    assert said["range_recall"].value == pytest.approx((1 / 2 + 1 + 0 + 1) / 4)
    assert said["range_precision"].value == pytest.approx((1 / 2 + 1 / 2 + 0 + 1 / 2) / 4)
    both = 2 * 0.625 * 0.375 / (0.625 + 0.375)
    assert said["range_f1"].value == pytest.approx(both)
    assert said["range_recall"].n == 4
    assert said["range_f1"].low is not None


def test_weights_of_subjects_count_as_their_repetition() -> None:
    """A resample that has subject 1 twice and 2 never is the mean over the ranges of subject 1."""
    alone = ROWS.take(np.arange(9))
    only = found(CALLED[:9], alone, recording="10s")
    assert only["range_recall"].value == pytest.approx(0.5)
    both = found(CALLED, recording="10s")["range_recall"]
    assert both.low == pytest.approx(0.5) and both.high == pytest.approx(1.0)


def test_the_order_of_rows_changes_no_number() -> None:
    order = np.random.default_rng(0).permutation(len(ROWS))
    mixed, plain = found(CALLED[order], ROWS.take(order), recording="10s"), found(CALLED, recording="10s")
    for metric in ("false_alarms_per_hour", "range_recall", "range_precision", "range_f1"):
        assert mixed[metric].value == pytest.approx(plain[metric].value)


def test_nothing_is_asked_of_recordings_that_the_study_does_not_speak_of() -> None:
    assert "range_f1" not in found(CALLED)


def test_where_nothing_is_called_precision_is_unknown_with_its_reason() -> None:
    said = found(np.zeros(13), recording="10s")
    assert said["range_precision"].value is None and said["range_precision"].reason.startswith("no row is called")
    assert said["range_recall"].value == 0
    assert said["false_alarms_per_hour"].value == 0
