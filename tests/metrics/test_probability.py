"""Scores of probabilities against scikit-learn, and calibration against a plain Newton and planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from sequela.metrics import calibration, probability


@pytest.fixture
def foreseen() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    risk = random.beta(1, 4, 2000)
    return risk, random.random(2000) < risk, random.integers(0, 3, 2000).astype(float)


def test_brier_and_log_loss_are_those_of_scikit_learn(foreseen: tuple[np.ndarray, ...]) -> None:
    risk, event, weights = foreseen
    for weight in (None, weights):
        assert probability.brier(risk, event, weight) == pytest.approx(brier_score_loss(event, risk, sample_weight=weight))
        assert probability.log_loss(risk, event, weight) == pytest.approx(log_loss(event, risk, sample_weight=weight))


def test_several_classes_are_scored_over_all_of_them() -> None:
    given = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    truth = np.array([[True, False, False], [False, True, False]])
    assert probability.log_loss(given, truth) == pytest.approx(log_loss([0, 1], given, labels=[0, 1, 2]))
    assert probability.brier(given, truth) == pytest.approx((0.09 + 0.04 + 0.01 + 0.01 + 0.49 + 0.36) / 2)


def test_ece_is_the_gap_by_hand() -> None:
    risk, event = np.array([0.05, 0.05, 0.95, 0.95, 1.0]), np.array([False, True, True, True, True])
    assert probability.ece(risk, event) == pytest.approx((abs(0.1 - 1) + abs(2.9 - 3)) / 5)


def test_slope_and_intercept_are_an_unpenalised_logistic_regression(foreseen: tuple[np.ndarray, ...]) -> None:
    risk, event, weights = foreseen
    logits = np.log(risk / (1 - risk))
    for weight in (None, weights):
        theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(logits[:, None], event, sample_weight=weight)
        intercept, slope = calibration.recalibration(risk, event, weight)
        assert [intercept, slope] == pytest.approx([theirs.intercept_[0], theirs.coef_[0, 0]], abs=1e-5)


def test_risks_made_extreme_have_the_slope_that_undoes_it(foreseen: tuple[np.ndarray, ...]) -> None:
    risk, event, _ = foreseen
    extreme = 1 / (1 + np.exp(-2 * np.log(risk / (1 - risk))))
    assert calibration.calibration_slope(extreme, event) == pytest.approx(
        calibration.calibration_slope(risk, event) / 2, rel=1e-3
    )


def test_the_intercept_makes_expected_and_observed_agree(foreseen: tuple[np.ndarray, ...]) -> None:
    risk, event, _ = foreseen
    too_high = np.sqrt(risk)
    shift = calibration.calibration_intercept(too_high, event)
    assert shift < 0
    assert (1 / (1 + np.exp(-(calibration.logit(too_high) + shift)))).sum() == pytest.approx(event.sum(), rel=1e-6)
    assert calibration.observed_expected(too_high, event) == pytest.approx(event.sum() / too_high.sum())


def test_the_one_step_bootstrap_is_close_to_the_full_one(foreseen: tuple[np.ndarray, ...]) -> None:
    risk, event, _ = foreseen
    weights = np.random.default_rng(0).multinomial(len(risk), np.full(len(risk), 1 / len(risk)), 40).astype(float)
    at_once = calibration.calibration_slope(risk, event, weights)
    alone = np.array([calibration.calibration_slope(risk, event, row) for row in weights])
    assert np.abs(at_once - alone).max() < 0.1 * alone.std()


def test_separated_or_constant_risks_have_no_slope() -> None:
    event = np.arange(20) >= 10
    assert np.isnan(calibration.calibration_slope(np.where(event, 0.8, 0.2) + np.arange(20) / 1000, event))
    assert np.isnan(calibration.calibration_slope(np.full(20, 0.3), event))
    assert np.isnan(calibration.calibration_slope(np.linspace(0.1, 0.9, 20), np.ones(20, bool)))


def test_risks_that_are_all_near_each_other_have_a_calibration_slope() -> None:
    random = np.random.default_rng(0)
    score = random.normal(size=400)
    event = random.random(400) < 1 / (1 + np.exp(2.5 - score))
    spread, near = (1 / (1 + np.exp(3 - score * factor)) for factor in (1.0, 0.08))
    told = [float(calibration.calibration_slope(risk, event)) for risk in (spread, near)]
    assert told[1] == pytest.approx(told[0] / 0.08, rel=1e-6)
