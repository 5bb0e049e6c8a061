"""Agreement of ordered classes: against scikit-learn, by hand, and its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score, mean_absolute_error

from sequela.metrics import ordinal

RANKS = arrays(np.int64, 12, elements=st.integers(0, 4))


@given(RANKS, RANKS)
def test_kappa_and_distance_agree_with_scikit_learn(decision: np.ndarray, truth: np.ndarray) -> None:
    if len(np.union1d(decision, truth)) > 1:
        expected = cohen_kappa_score(decision, truth, weights="quadratic", labels=np.arange(5))
        assert ordinal.quadratic_kappa(decision, truth) == pytest.approx(expected, abs=1e-9)
    assert ordinal.rank_mae(decision, truth) == pytest.approx(mean_absolute_error(truth, decision))


def test_a_miss_by_two_ranks_counts_four_times() -> None:
    truth = np.array([0, 1, 2, 3] * 5)
    near, far = truth.copy(), truth.copy()
    near[0], far[0] = 1, 2
    lost = [1 - ordinal.quadratic_kappa(decision, truth) for decision in (near, far)]
    assert lost[1] / lost[0] == pytest.approx(4, rel=0.1)


def test_one_class_only_has_no_kappa() -> None:
    assert np.isnan(ordinal.quadratic_kappa(np.full(3, 2), np.full(3, 2)))


@pytest.mark.slow
@given(RANKS, RANKS, arrays(np.float64, (2, 12), elements=st.integers(0, 3).map(float)))
def test_weights_count_rows_as_often_as_they_say(decision: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> None:
    for function in (ordinal.quadratic_kappa, ordinal.rank_mae):
        said = function(decision, truth, weights)
        for one, own in zip(said, weights, strict=True):
            rows = np.repeat(np.arange(12), own.astype(int))
            if len(rows):
                np.testing.assert_allclose(one, function(decision[rows], truth[rows]), atol=1e-9)
            else:
                assert np.isnan(one)
