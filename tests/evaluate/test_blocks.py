"""Resamples of a single series: stretches of it are drawn, in place of subjects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequela.config import Evaluate
from sequela.evaluate.blocks import by_block, stretches
from sequela.evaluate.evaluation import evaluate
from sequela.types import Answer, Array, Cohort, Target


def series(values: Array, subject: Array) -> Cohort:
    count = len(values)
    time = np.datetime64("2026-01-01", "us") + np.arange(count) * np.timedelta64(60, "s")
    names = np.arange(count).astype(str)
    part = np.full(count, "test")
    return Cohort(subject, names, names, time, time, part, Target(values[:, None], np.ones((count, 1), bool), ("HR",)))


@pytest.mark.parametrize("rows", [1, 2, 8, 27, 28, 225, 1000])
def test_stretches_are_runs_of_the_cube_root_of_the_rows(rows: int) -> None:
    found = stretches(rows)
    assert (np.diff(found) >= 0).all() and np.bincount(found).max() == np.ceil(round(rows ** (1 / 3), 9))


def test_rows_of_several_subjects_are_left_as_they_are() -> None:
    cohort = series(np.arange(20.0), np.repeat([1, 2], 10))
    assert by_block(cohort) is cohort


def test_a_single_series_gets_intervals_about_as_wide_as_independent_rows_would() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(80, 10, 600)
    said = {"model": Answer("values", (truth + random.normal(size=600))[:, None], ("HR",))}
    one, many = series(truth, np.zeros(600, np.int64)), series(truth, np.arange(600))
    widths = []
    for cohort in (one, many):
        rows = evaluate("regression", cohort, said, Evaluate(bootstrap=400), {}, part="test", split="split-1", seed=0).metrics
        (mae,) = [row for row in rows if row.metric == "mae"]
        assert mae.low is not None and mae.high is not None and mae.low < 0.8 < mae.high
        widths.append(mae.high - mae.low)
    assert widths[0] == pytest.approx(widths[1], rel=0.25)


def test_errors_that_last_widen_the_interval() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(80, 10, 1000)
    lasting = np.repeat(np.abs(random.normal(size=50)), 20)
    said = {"model": Answer("values", (truth + lasting)[:, None], ("HR",))}
    cohort = series(truth, np.zeros(1000, np.int64))
    alone = replace(cohort, subject_id=np.arange(1000))
    settings = Evaluate(bootstrap=300)
    found = [evaluate("regression", c, said, settings, {}, part="test", split="s", seed=0).metrics[0] for c in (cohort, alone)]
    wide, narrow = (row.high - row.low for row in found)  # type: ignore[operator]
    assert wide > 1.5 * narrow
