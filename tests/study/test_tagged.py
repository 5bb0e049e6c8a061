"""Labels of moments: every step of a record is asked about once, with the label of its own time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.study import cohort as cohorts
from sequela.study import steps
from sequela.types import Cohort, Labels, Ragged, Spec, Target

HOURS = Spec("measurements", (1,), "days")
NIGHT = [("p1", 0, "BED//IN", None), ("p1", 24, "BED//OUT", None)]


def asked(store: Any, study: Any, events: list[Any], labelled: bool = True, **changes: Any) -> Cohort:
    window = {"windows": {"night": {"start": "trigger", "end": "end of record"}}, "during": "night"}
    told = {"cohort": {"index": "BED//IN", "predict_at": "6h", "every": "6h", **window}, "task": "tagging"} | changes
    return cohorts.build(store(NIGHT + events), study(**told), labelled=labelled)[0]


def at_hours(rows: Cohort, hours: np.ndarray, row: np.ndarray) -> Ragged:
    """Steps of these rows at hours of the record."""
    since = (rows.time[row] - np.datetime64("2020-01-01")) / np.timedelta64(1, "h")
    return Ragged(np.searchsorted(row, np.arange(len(rows) + 1)), np.zeros((len(row), 1), np.float32), (hours - since) / 24)


def test_each_label_belongs_to_the_first_row_that_comes_long_enough_after_it(store, study):
    stages = [("p1", hour, "LABEL//stage", "AB"[hour % 2]) for hour in range(1, 24)]
    rows = asked(store, study, stages, outcome={"column": "stage", "delay": "2h"})
    labels = rows.target.dense
    assert isinstance(labels, Labels) and rows.target.names == ("A", "B") and len(rows) == 3  # 6, 12 and 18 h
    assert rows.target.values[:, 0].tolist() == [4, 6, 8]  # to 4 h, to 10 h, and the last to 18 h
    np.testing.assert_allclose(labels.since[1:] * 24, [-8, -8])
    np.testing.assert_allclose(labels.until * 24, [-2, -2, 0])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # both give functions that keep nothing
@given(st.integers(1, 11), st.lists(st.floats(0.01, 23.9), min_size=1, max_size=30, unique=True), st.booleans())
def test_every_step_of_a_record_is_judged_once_and_by_its_own_label(store, study, delay, hours, at_end):
    hours = sorted(round(hour, 3) for hour in hours)
    events = [("p1", hour, "LABEL//stage", "AB"[k % 2]) for k, hour in enumerate(dict.fromkeys(hours))]
    outcome = {"column": "stage", "delay": f"{delay}h", "classes": ["A", "B"]}
    rows = asked(store, study, events, labelled=False, outcome=outcome, **at_last(at_end))
    moments = np.array([event[1] for event in events])
    end = (rows.time - np.datetime64("2020-01-01")) / np.timedelta64(1, "h")
    pairs = [(row, k) for row in range(len(rows)) for k in np.flatnonzero(moments <= end[row])]
    row, place = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    found = steps.aligned(rows.target, at_hours(rows, moments[place], row), HOURS).dense
    judged = place[found.judged]
    assert sorted(judged.tolist()) == np.flatnonzero(moments <= end.max() + 1e-9).tolist()
    np.testing.assert_array_equal(found.value[found.judged], judged % 2)


def at_last(wanted: bool) -> dict[str, Any]:
    window = {"windows": {"night": {"start": "trigger", "end": "end of record"}}, "during": "night"}
    cohort = {"index": "BED//IN", "predict_at": "6h", "every": "6h", "at_end": wanted, **window}
    return {"cohort": cohort}


def test_a_row_at_the_end_judges_what_came_since_the_last(store, study):
    stages = [("p1", hour + 0.5, "LABEL//stage", "AB"[hour % 2]) for hour in range(20)]
    window = {"windows": {"night": {"start": "trigger", "end": "end of record"}}, "during": "night"}
    plain = {"index": "BED//IN", "predict_at": "7h", "every": "7h", **window}
    outcome = {"column": "stage"}
    assert asked(store, study, stages, outcome=outcome, cohort=plain).target.values[:, 0].tolist() == [7, 7, 6]
    rows = asked(store, study, [*stages, ("p1", 23, "LABEL//stage", "B")], outcome=outcome, cohort=plain | {"at_end": True})
    assert rows.target.values[:, 0].tolist() == [7, 7, 6, 1] and str(rows.time[-1])[:16] in (
        "2020-01-01T23:59",
        "2020-01-02T00:00",
    )
    with pytest.raises(ConfigError, match=r"at_end adds a row to those of cohort\.every"):
        asked(store, study, stages, outcome=outcome, cohort={"index": "BED//IN", "predict_at": "7h", "at_end": True})


def test_a_record_that_ends_before_its_first_row_is_judged_at_its_end(store, study):
    events = [
        ("p1", 1, "BED//IN", None),
        ("p1", 2, "LABEL//stage", "A"),
        ("p1", 3, "LABEL//stage", "B"),
        ("p1", 4, "BED//OUT", None),
    ]
    window = {"windows": {"night": {"start": "trigger", "end": "end of record"}}, "during": "night"}
    cohort = {"index": "BED//IN", "predict_at": "6h", "every": "6h", "at_end": True, **window}
    rows, _ = cohorts.build(store(events), study(cohort=cohort, task="tagging", outcome={"column": "stage"}))
    assert rows.time.tolist() == [np.datetime64("2020-01-01T04:00").astype("datetime64[us]").item() - timedelta(microseconds=1)]
    assert rows.target.values[:, 0].tolist() == [2]


def test_a_lasting_label_holds_until_the_next(store, study):
    stages = [("p1", 1, "LABEL//stage", "wake"), ("p1", 8, "LABEL//stage", "sleep"), ("p1", 15, "LABEL//stage", "wake")]
    rows = asked(store, study, stages, outcome={"column": "stage", "lasting": True})
    hours = np.array([0.5, 2, 7, 9, 14, 16, 17])
    row = np.searchsorted([6, 12, 18], hours)
    found = steps.aligned(rows.target, at_hours(rows, hours, row), HOURS)
    names = [rows.target.names[value] if value >= 0 else "" for value in found.dense.value]
    assert names == ["", "wake", "wake", "sleep", "sleep", "wake", "wake"]
    assert found.values[:, 0].tolist() == [1, 2, 3]


def test_two_labels_of_one_moment_that_differ_are_none(store, study):
    stages = [("p1", 1, "LABEL//stage", "A"), ("p1", 1, "LABEL//stage", "B"), ("p1", 2, "LABEL//stage", "B")]
    rows = asked(store, study, [*stages, ("p1", 2, "LABEL//stage", "B")], outcome={"column": "stage"})
    found = steps.aligned(rows.target, at_hours(rows, np.array([1.0, 2.0]), np.array([0, 0])), HOURS)
    assert found.dense.value.tolist() == [-1, 1]


def test_steps_become_rows_that_start_at_their_own_moment(store, study):
    stages = [("p1", hour, "LABEL//stage", "AB"[hour % 2]) for hour in range(1, 18)]
    rows = asked(store, study, stages, outcome={"column": "stage"})
    hours, row = np.array([2.0, 5.0, 7.0]), np.array([0, 0, 1])
    ragged = at_hours(rows, hours, row)
    tags = steps.aligned(rows.target, ragged, HOURS).dense
    found = steps.cohort(rows, tags, ragged, HOURS)
    assert found.row_id.tolist() == ["p1#1/1", "p1#1/2", "p1#2/1"]
    np.testing.assert_allclose((found.start - np.datetime64("2020-01-01")) / np.timedelta64(1, "h"), hours)
    assert found.target.names == ("A", "B") and found.target.values[:, 0].tolist() == [0, 1, 1]
    assert (found.time == rows.time[row]).all()


def test_outcomes_that_tagging_cannot_mean_are_refused(store, study):
    stages = [("p1", 1, "LABEL//stage", "A"), ("p1", 2, "LABEL//stage", "B")]
    with pytest.raises(ConfigError, match="one column of labels"):
        asked(store, study, stages, outcome={"column": ["stage", "other"]})
    with pytest.raises(ConfigError, match="one column of labels"):
        asked(store, study, stages, outcome={"code": "LABEL//stage", "within": "2h"})
    with pytest.raises(ConfigError, match=r"outcome\.delay is -1h"):
        asked(store, study, stages, outcome={"column": "stage", "delay": "-1h"})
    with pytest.raises(DataError, match="no label column 'stages'"):
        asked(store, study, stages, outcome={"column": "stages"})
    with pytest.raises(ConfigError, match="are of tagging, not of a multiclass question"):
        asked(store, study, stages, task="multiclass", outcome={"column": "stage", "delay": "1h"})


def test_steps_without_time_have_no_label():
    labels = Labels(np.array([0, 0]), np.zeros(0), np.zeros(0, np.int64), np.array([-np.inf]), np.zeros(1), False)
    target = Target(np.zeros((1, 1)), np.zeros((1, 1), bool), ("A", "B"), labels)
    ragged = Ragged(np.array([0, 2]), np.zeros((2, 1), np.float32), np.arange(2.0))
    with pytest.raises(ConfigError, match="count in index"):
        steps.aligned(target, ragged, Spec("image", (1, 2, 2), "index"))
