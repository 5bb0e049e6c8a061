"""Metrics of forecasts against scikit-learn and plain NumPy, with gaps, weights and what is undefined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error

from sequela.metrics import forecast
from sequela.types import Array

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
N, K = 40, 6


@dataclass(frozen=True)
class Drawn:
    value: Array
    truth: Array
    known: Array
    quantiles: Array


@pytest.fixture
def drawn() -> Drawn:
    random = np.random.default_rng(0)
    truth = 70 + random.normal(size=(N, K)).cumsum(1)
    value = truth + random.normal(size=(N, K))
    known = random.random((N, K)) < 0.8
    known[3] = False
    return Drawn(value, np.where(known, truth, 0.0), known, value[:, :, None] + np.array([-2, -0.7, 0, 0.7, 2]))


def test_errors_are_those_of_scikit_learn_over_what_is_known(drawn: Drawn) -> None:
    value, truth = drawn.value[drawn.known], drawn.truth[drawn.known]
    np.testing.assert_allclose(forecast.mae(drawn.value, drawn.truth, drawn.known), mean_absolute_error(truth, value))
    np.testing.assert_allclose(forecast.rmse(drawn.value, drawn.truth, drawn.known), mean_squared_error(truth, value) ** 0.5)


def test_the_pinball_loss_is_the_mean_of_scikit_learns_over_the_levels(drawn: Drawn) -> None:
    truth = drawn.truth[drawn.known]
    expected = [mean_pinball_loss(truth, drawn.quantiles[drawn.known][:, q], alpha=level) for q, level in enumerate(LEVELS)]
    found = forecast.pinball(drawn.quantiles, LEVELS, drawn.truth, drawn.known)
    np.testing.assert_allclose(found, np.mean(expected))


def test_the_pinball_loss_of_the_median_is_half_the_absolute_error(drawn: Drawn) -> None:
    half = forecast.pinball(drawn.value[:, :, None], (0.5,), drawn.truth, drawn.known)
    np.testing.assert_allclose(2 * half, forecast.mae(drawn.value, drawn.truth, drawn.known))


def test_coverage_counts_both_ends_and_width_is_their_distance() -> None:
    truth, known = np.array([[1.0, 3.0, 2.0], [5.0, 0.0, 0.0]]), np.array([[True, True, True], [True, False, False]])
    low, high = np.full((2, 3), 1.0), np.array([[3.0, 3.0, 1.5], [9.0, 2.0, 100.0]])
    assert forecast.coverage(low, high, truth, known) == 3 / 4
    assert forecast.interval_width(low, high, known) == (2 + 2 + 0.5 + 8) / 4


def test_the_naive_step_is_the_mean_change_between_neighbours_that_are_known() -> None:
    truth = np.array([[1.0, 3.0, 0.0, 4.0], [10.0, 9.0, 7.0, 7.0]])
    known = np.array([[True, True, False, True], [True, True, True, True]])
    assert forecast.naive_step(truth, known) == (2 + 1 + 2 + 0) / 4
    assert np.isnan(forecast.naive_step(truth[:, :1], known[:, :1]))


def test_mase_is_the_error_in_steps_of_each_column(drawn: Drawn) -> None:
    step = np.linspace(0.5, 2, K)
    expected = np.mean((np.abs(drawn.value - drawn.truth) / step)[drawn.known])
    np.testing.assert_allclose(forecast.mase(drawn.value, drawn.truth, drawn.known, step), expected)


def test_a_naive_forecast_of_one_step_has_a_mase_of_one() -> None:
    series = np.random.default_rng(1).normal(size=(30, 5)).cumsum(1)
    known = np.ones((30, 4), bool)
    step = forecast.naive_step(series, np.ones((30, 5), bool))
    np.testing.assert_allclose(forecast.mase(series[:, :-1], series[:, 1:], known, np.full(4, step)), 1)


def test_a_row_that_is_drawn_twice_counts_twice(drawn: Drawn) -> None:
    counts = np.random.default_rng(2).integers(0, 3, (2, N)).astype(float)
    low, high = drawn.quantiles[:, :, 0], drawn.quantiles[:, :, -1]
    for place in range(2):
        rows = np.repeat(np.arange(N), counts[place].astype(int))
        again = Drawn(*(getattr(drawn, name)[rows] for name in ("value", "truth", "known", "quantiles")))
        pairs = [
            (forecast.mae(drawn.value, drawn.truth, drawn.known, counts), forecast.mae(again.value, again.truth, again.known)),
            (
                forecast.pinball(drawn.quantiles, LEVELS, drawn.truth, drawn.known, counts),
                forecast.pinball(again.quantiles, LEVELS, again.truth, again.known),
            ),
            (
                forecast.coverage(low, high, drawn.truth, drawn.known, counts),
                forecast.coverage(low[rows], high[rows], again.truth, again.known),
            ),
        ]
        for weighed, repeated in pairs:
            np.testing.assert_allclose(weighed[place], repeated)


def test_where_nothing_is_known_nothing_is_defined(drawn: Drawn) -> None:
    nothing = np.zeros_like(drawn.known)
    assert np.isnan(forecast.mae(drawn.value, drawn.truth, nothing))
    assert np.isnan(forecast.pinball(drawn.quantiles, LEVELS, drawn.truth, nothing))
