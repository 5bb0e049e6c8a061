"""Scores by a horizon against scikit-survival, against those without any loss, rows worked by hand, and their identities."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.metrics import calibration, probability
from sequela.metrics.discrimination import auroc
from sequela.metrics.horizon import (
    POINTS,
    alike,
    cumulative_auc,
    horizon_brier,
    horizon_observed_expected,
    horizon_slope,
    integrated_brier,
)
from sequela.metrics.ipcw import known_by, weighed
from sequela.metrics.watched import watch
from sequela.types import Curves, Times

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/survival.json").read_text())
DAYS = np.array(GOLDEN["days"])
METRICS = (cumulative_auc, horizon_brier, horizon_slope, horizon_observed_expected)


def made(*rows: tuple[float, int]) -> Times:
    time, cause = (np.array(column) for column in zip(*rows, strict=True))
    return Times(time.astype(float), cause.astype(np.int64), np.zeros(len(rows)), ())


def drawn(seed: int, count: int = 60, *, lost: bool = True) -> tuple[Times, np.ndarray]:
    """Two causes, and a risk that tells something; without losses everybody is watched until 100 days."""
    random = np.random.default_rng(seed)
    risk = np.round(random.uniform(0.05, 0.95, count), 2)
    event, until = np.ceil(random.exponential(30 * (1.2 - risk))), np.ceil(random.exponential(40, count)) if lost else 100.0
    cause = np.where(event <= until, random.integers(1, 3, count), 0)
    return Times(np.minimum(event, until), cause, np.zeros(count), ()), risk


def exponential(risk: np.ndarray, grid: np.ndarray) -> Curves:
    return Curves(grid, 1 - np.exp(-0.06 * risk[:, None, None] * grid))


@pytest.mark.parametrize("one", GOLDEN["horizons"].values())
def test_scores_of_one_cause_are_those_of_scikit_survival(one: dict[str, Any]) -> None:
    times = Times(np.array(one["time"]), np.array(one["cause"]), np.zeros(len(one["time"])), ())
    curves = exponential(np.array(one["risk"]), np.linspace(0, DAYS[-1], POINTS + 1)[1:])
    by = [curves.at(float(day))[:, 0] for day in DAYS]
    said = [exponential(np.array(one["risk"]), DAYS).incidence[:, 0, k] for k in range(len(DAYS))]
    np.testing.assert_allclose([cumulative_auc(risk, times, day) for risk, day in zip(by, DAYS, strict=True)], one["auc"])
    np.testing.assert_allclose([horizon_brier(risk, times, day) for risk, day in zip(said, DAYS, strict=True)], one["brier"])
    assert integrated_brier(curves, times, float(DAYS[-1])) == pytest.approx(one["integrated"], abs=1e-12)


def test_where_nobody_is_lost_the_scores_are_those_of_a_yes_or_no_question() -> None:
    times, risk = drawn(1, lost=False)
    had = (times.cause == 2) & (times.time <= 20)
    assert cumulative_auc(risk, times, 20.0, 2) == pytest.approx(float(auroc(risk, had)))
    assert horizon_brier(risk, times, 20.0, 2) == pytest.approx(float(probability.brier(risk, had)))
    assert horizon_slope(risk, times, 20.0, 2) == pytest.approx(float(calibration.calibration_slope(risk, had)))
    assert horizon_observed_expected(risk, times, 20.0, 2) == pytest.approx(float(calibration.observed_expected(risk, had)))


def test_a_row_that_was_lost_is_stood_for_by_those_that_were_watched_on() -> None:
    times = made((1, 0), (2, 1), (3, 2), (4, 0))
    np.testing.assert_allclose(weighed(watch(times), 2.5), [0, 4 / 3, 4 / 3, 4 / 3])
    risk = np.array([0.9, 0.5, 0.5, 0.0])
    assert horizon_brier(risk, times, 2.5) == pytest.approx((0.25 + 0.25) * (4 / 3) / 4)
    assert horizon_observed_expected(risk, times, 2.5) == pytest.approx((1 / 3) / (1.9 / 4))


def test_what_is_lost_on_the_very_day_had_no_event_by_then() -> None:
    times = made((1, 1), (5, 0), (5, 0))
    np.testing.assert_array_equal(known_by(times, 5.0), [True, True, True])
    np.testing.assert_allclose(weighed(watch(times), 5.0), [1, 1, 1])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(1, 40))
def test_the_known_stand_for_all_and_the_share_they_make_is_aalen_johansens(seed: int, day: float) -> None:
    times, risk = drawn(seed)
    weights = weighed(watch(times), day)
    if np.isfinite(weights).all():
        assert weights.sum() == pytest.approx(len(risk))
        share = float(weights @ ((times.cause == 1) & (times.time <= day))) / len(risk)
        assert share == pytest.approx(float(horizon_observed_expected(np.ones(len(risk)), times, day)), abs=1e-9)
        assert 0 <= horizon_brier(risk, times, day) <= 1


@pytest.mark.parametrize("metric", METRICS)
def test_resamples_by_a_horizon_are_each_what_they_are_alone(metric: Callable[..., np.ndarray]) -> None:
    times, risk = drawn(2, 200)
    weights = np.random.default_rng(0).multinomial(200, np.full(200, 1 / 200), 5).astype(float)
    many = metric(risk, times, 15.0, 1, weights)
    near = 1e-3 if metric is horizon_slope else 1e-9  # Newton from their mean
    for row, value in zip(weights, many, strict=True):
        twice = np.repeat(np.arange(200), row.astype(int))
        assert value == pytest.approx(float(metric(risk, times, 15.0, 1, row)), abs=near)
        assert value == pytest.approx(float(metric(risk[twice], times.take(twice), 15.0, 1)), abs=near)


def test_the_integrated_score_is_the_mean_of_the_scores_on_its_days_for_each_resample() -> None:
    times, risk = drawn(3)
    days = np.linspace(0, 20, POINTS + 1)[1:]
    curves = Curves(days, np.repeat(exponential(risk, days).incidence / 2, 2, 1))
    weights = np.random.default_rng(0).integers(0, 3, (3, len(risk))).astype(float)
    scores = np.array([horizon_brier(curves.incidence[:, 1, k], times, day, 2, weights) for k, day in enumerate(days)])
    mean = (scores[:-1].sum(0) + scores[-1] / 2) / POINTS
    np.testing.assert_allclose(integrated_brier(curves, times, 20.0, 2, weights), mean, atol=1e-12)


def test_a_day_that_nobody_was_watched_for_has_no_scores() -> None:
    times, risk = made((1, 1), (2, 0), (2, 0)), np.array([0.6, 0.5, 0.2])
    assert all(np.isnan(metric(risk, times, 3.0)) for metric in METRICS)
    assert np.isnan(integrated_brier(exponential(risk, DAYS), times, 3.0))


def test_a_cause_that_never_came_has_a_score_and_no_ranking() -> None:
    times, risk = made((1, 1), (4, 0), (4, 0)), np.array([0.6, 0.5, 0.2])
    assert np.isnan(cumulative_auc(risk, times, 3.0, 2)) and np.isnan(horizon_slope(risk, times, 3.0, 2))
    assert horizon_brier(risk, times, 3.0, 2) == pytest.approx(np.square(risk).mean())
    assert horizon_observed_expected(risk, times, 3.0, 2) == 0


def test_rows_alike_in_risk_are_all_rows_once_from_the_lowest_on() -> None:
    risk = np.array([0.3, 0.1, 0.2, 0.2, 0.9, 0.2])
    groups = alike(risk, 3)
    np.testing.assert_array_equal(np.sum(groups, 0), np.ones(6))
    means = [risk[rows].mean() for rows in groups]
    assert means == sorted(means) and all(rows.any() for rows in groups)
