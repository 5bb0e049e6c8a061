"""Cox's model: its numbers are those of lifelines and scikit-survival (tests/golden/survival_baselines.py)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sequela import seed as streams
from sequela.baselines import _cox, cox
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Array, Times

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "survival_baselines.json").read_text())


def cohort(name: str, *, late: bool = False) -> tuple[Array, Times]:
    held = {key: np.array(value) for key, value in GOLDEN["data"][name].items()}
    entry = held["entry"] if late else np.zeros(len(held["time"]))
    return held["features"], Times(held["time"], held["cause"], entry, ())


@pytest.mark.parametrize("name", ["tied", "late"])
def test_effects_with_ties_and_late_entries_are_those_of_lifelines(name: str) -> None:
    features, times = cohort("tied", late=name == "late")
    at = _cox.risks(times, 1)
    found = _cox.effects(features, at, 0.0)
    np.testing.assert_allclose(found, GOLDEN[name]["effects"], atol=1e-6)
    assert _cox._point(features, at, 0.0, found).value == pytest.approx(GOLDEN[name]["log_likelihood"])


def test_effects_under_a_penalty_are_those_of_scikit_survival() -> None:
    features, times = cohort("tied")
    found = _cox.effects(features, _cox.risks(times, 1), GOLDEN["ridge"]["penalty"])
    np.testing.assert_allclose(found, GOLDEN["ridge"]["effects"], atol=1e-6)


def test_the_cumulative_hazard_without_ties_is_that_of_scikit_survival() -> None:
    features, times = cohort("smooth")
    at, said = _cox.risks(times, 1), GOLDEN["cumulative"]
    steps = _cox.baseline(features, at, _cox.effects(features, at, 0.0))
    grid = np.array([*said["at"], at.moments[-1]])
    np.testing.assert_allclose(np.cumsum(_cox.growth(at.moments, steps, grid))[:-1], said["hazard"], rtol=1e-6)


def test_without_effects_tied_events_are_taken_one_after_another() -> None:
    times = Times(np.array([2.0, 2.0, 3.0]), np.array([1, 1, 1]), np.zeros(3), ())
    steps = _cox.baseline(np.zeros((3, 1)), _cox.risks(times, 1), np.zeros(1))
    np.testing.assert_allclose(steps, [1 / 3 + 1 / 2, 1.0])


def test_a_row_is_at_risk_after_its_entry_and_up_to_its_time() -> None:
    times = Times(np.array([2.0, 4.0, 6.0, 3.0]), np.array([1, 1, 1, 0]), np.array([0.0, 2.0, 1.0, 0.0]), ())
    np.testing.assert_array_equal(_cox.risks(times, 1).at_risk(np.ones(4)), [3, 2, 1])


def test_the_score_of_the_effects_found_is_zero_though_columns_repeat() -> None:
    features, times = cohort("tied", late=True)
    at = _cox.risks(times, 2)
    twice = np.hstack([features, features[:, :1]])
    found = _cox.effects(twice, at, 5.0)
    slopes = [
        _cox._point(twice, at, 5.0, found + step).value - _cox._point(twice, at, 5.0, found - step).value
        for step in 1e-4 * np.eye(4)
    ]
    np.testing.assert_allclose(slopes, 0, atol=1e-6)
    assert found[0] == pytest.approx(found[3])


def test_many_columns_and_rows_are_fitted_by_few_steps() -> None:
    random = streams.generator(0, "many")
    features = random.normal(size=(1500, 100))
    time = random.exponential(np.exp(-features[:, 0]))
    at = _cox.risks(Times(np.minimum(time, 1.0), (time < 1).astype(np.int64), np.zeros(1500), ()), 1)
    found = _cox.effects(features, at, 1.0)
    assert found[0] == pytest.approx(1.0, abs=0.15) and np.abs(found[1:]).max() < 0.2


def test_each_cause_is_told_by_its_own_column(watched: Callable[..., Evidence]) -> None:
    rows = watched(500)
    baseline = cox.build(cox.Config())
    baseline.fit(rows, watched(200, 1), "survival", 0)
    said = baseline.answer(rows).curves
    assert said is not None
    risk = said.at(10.0)
    for cause in range(2):
        column = rows.plain.values[:, cause]
        ranked = [abs(np.corrcoef(column[~np.isnan(column)], risk[~np.isnan(column), k])[0, 1]) for k in range(2)]
        assert ranked[cause] > max(0.6, ranked[1 - cause])


def test_incidences_of_train_are_on_average_what_was_observed(watched: Callable[..., Evidence]) -> None:
    from sequela.baselines import _incidence

    rows = watched(600, missing=0.0)
    baseline = cox.build(cox.Config(strengths=(1.0,)))
    baseline.fit(rows, watched(100, 1), "survival", 0)
    said, days = baseline.answer(rows).curves, np.array([5.0, 10.0, 20.0])
    assert said is not None
    observed = _incidence.aalen_johansen(rows.target.dense, 2, days)
    np.testing.assert_allclose(said.at(days).mean(0), observed, atol=0.02)


def test_what_was_exported_answers_alike(watched: Callable[..., Evidence]) -> None:
    rows = watched(200)
    baseline = cox.build(cox.Config(strengths=(0.1,), columns=("chart.c[01]",)))
    baseline.fit(rows, watched(80, 1), "survival", 0)
    narrow = replace(rows, plain=replace(rows.plain, values=rows.plain.values[:, :2], names=rows.plain.names[:2]))
    back = cox.from_arrays(baseline.exported(), "survival", rows.target.names, narrow.plain.columns)
    np.testing.assert_array_equal(back.answer(narrow).values, baseline.answer(rows).values)
    among_all = cox.from_arrays(baseline.exported(), "survival", rows.target.names, rows.plain.columns)
    np.testing.assert_array_equal(among_all.answer(rows).values, baseline.answer(rows).values)


@pytest.mark.parametrize("part", ["train", "tune"])
def test_a_part_in_which_every_row_is_censored_is_refused(watched: Callable[..., Evidence], part: str) -> None:
    parts = {"train": watched(60), "tune": watched(40, 1)}
    rows = parts[part]
    never = replace(rows.target.dense, cause=np.zeros(len(rows), np.int64))
    parts[part] = replace(rows, target=replace(rows.target, values=np.zeros((len(rows), 1)), dense=never))
    with pytest.raises(DataError, match=f"rows of {part} are censored"):
        cox.build(cox.Config()).fit(parts["train"], parts["tune"], "survival", 0)


def test_a_cause_that_never_came_in_train_is_refused_by_name(watched: Callable[..., Evidence]) -> None:
    rows = watched(60)
    one = replace(rows.target.dense, cause=np.minimum(rows.target.dense.cause, 1))
    with pytest.raises(DataError, match=r"'transplant' came in none of the 60 rows of train"):
        cox.build(cox.Config()).fit(replace(rows, target=replace(rows.target, dense=one)), watched(40, 1), "survival", 0)


def test_columns_that_never_vary_are_refused(watched: Callable[..., Evidence]) -> None:
    rows = watched(60)
    flat = replace(rows, plain=replace(rows.plain, values=np.ones_like(rows.plain.values)))
    with pytest.raises(DataError, match="none of 4 plain columns varies"):
        cox.build(cox.Config()).fit(flat, watched(40, 1), "survival", 0)
