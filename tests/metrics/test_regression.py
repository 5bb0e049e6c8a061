"""Errors of quantities against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from sequela.metrics import regression


def test_errors_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(100, 5, 300)
    value, weights = truth + random.normal(0, 2, 300), random.integers(0, 3, 300).astype(float)
    for weight in (None, weights):
        assert regression.mae(value, truth, weight) == pytest.approx(mean_absolute_error(truth, value, sample_weight=weight))
        assert regression.rmse(value, truth, weight) ** 2 == pytest.approx(mean_squared_error(truth, value, sample_weight=weight))
        assert regression.r2(value, truth, weight) == pytest.approx(r2_score(truth, value, sample_weight=weight))


def test_repeating_the_last_value_has_a_mase_of_one() -> None:
    truth, last = np.array([1.0, 3.0, 2.0]), np.array([2.0, 1.0, 3.0])
    assert regression.mase(last, truth, last) == 1
    assert regression.mase(truth, truth, last) == 0


def test_a_constant_truth_has_no_share_of_variance() -> None:
    assert np.isnan(regression.r2(np.array([1.0, 2.0]), np.array([3.0, 3.0])))
