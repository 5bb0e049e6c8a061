"""Times to events in the audit: a column that tells them is named, and so is a part in which a cause never comes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela import config
from sequela.study import audit, censored
from sequela.study.cut import SCHEMA
from sequela.types import Cohort, Horizon, Known, Plain, Target, Times

STUDY = {
    "name": "t",
    "question": "?",
    "data": {"source": "x"},
    "cohort": {"index": "START"},
    "outcome": {"code": ["EVENT//death", "EVENT//transplant"], "horizons": ["1y", "3y"]},
    "inputs": {"chart": {"modality": "measurements", "encoder": "gru"}},
    "task": "survival",
}
HORIZONS = (Horizon("1y", 365.25), Horizon("3y", 1095.75))


def target(time, cause):
    time, cause = np.asarray(time, float), np.asarray(cause, np.int64)
    times = Times(time, cause, np.zeros(len(time)), HORIZONS)
    return Target(cause[:, None].astype(float), np.ones((len(time), 1), bool), ("death", "transplant"), times)


def material(rows=400):
    """A cohort of which one column in five helps a little to tell the hazard."""
    random = np.random.default_rng(0)
    values = random.normal(size=(rows, 5))
    time = random.exponential(600 * np.exp(-0.5 * values[:, 0])) + 1
    end, cause = random.uniform(100, 2000, rows), np.where(random.random(rows) < 0.8, 1, 2)
    asked = target(np.minimum(time, end), np.where(time <= end, cause, 0))
    names, at = np.array([f"{n}" for n in random.permutation(rows)]), np.full(rows, np.datetime64("2000-01-01", "us"))
    part = np.array(["train"] * 6 + ["tune", "test"] * 2)[np.arange(rows) % 10]
    cohort = Cohort(np.arange(rows), names, names, at, at, part, asked)
    plain = Plain(values.astype(np.float32), tuple(f"c{n}" for n in range(5)))
    known = Known(rows, pl.DataFrame(schema=SCHEMA), None, {})
    return audit.Material(cohort, plain, known, config.convert(STUDY, config.Study), "survival", cohort)


def told(given):
    found = audit.audit(given.cohort, given.plain, given.known, given.study, given.kind)
    return {alarm.check: alarm for alarm in audit.alarms(found)}


def with_column(given, column):
    values = given.plain.values.copy()
    values[:, 3] = column
    return replace(given, plain=Plain(values, given.plain.names))


def test_an_honest_cohort_raises_no_alarm():
    assert not told(material())


@pytest.mark.parametrize("leak", ["time", "cause"])
def test_a_column_that_tells_the_outcome_is_a_leak(leak):
    clean = material()
    alarms = told(with_column(clean, getattr(clean.cohort.target.dense, leak)))
    assert set(alarms) == {"suspicious_input"} and alarms["suspicious_input"].severity == "leak"
    assert "c3" in alarms["suspicious_input"].text


def test_a_part_without_a_cause_is_named():
    clean = material()
    times, here = clean.cohort.target.dense, clean.cohort.part == "test"
    changed = target(times.time, np.where(here & (times.cause == 2), 0, times.cause))
    alarms = told(replace(clean, cohort=replace(clean.cohort, target=changed)))
    assert set(alarms) == {"constant_label"}
    assert alarms["constant_label"].text == f"transplant came to none of {here.sum()} rows of the test part"


@given(st.lists(st.tuples(st.floats(1, 2000), st.integers(0, 2)), min_size=1, max_size=20))
def test_a_row_that_was_censored_before_a_horizon_is_not_known_by_it(rows):
    time, cause = (np.array(column) for column in zip(*rows, strict=True))
    each = list(censored.labels(target(time, cause)))
    assert len(each) == 2 * 3 + 2
    for number, (label, known) in enumerate(each):
        horizon, wanted = divmod(number, 3) if number < 6 else (2, number - 5)
        until = HORIZONS[horizon].days if horizon < 2 else np.inf
        hit = cause == wanted if wanted else cause > 0
        np.testing.assert_array_equal(label == 1, hit & (time <= until))
        np.testing.assert_array_equal(known, (cause > 0) | (time > until) if horizon < 2 else np.ones(len(time), bool))
