"""Metrics of sets: by hand, against scikit-learn, and their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn

from sequela.metrics import sets

ROWS, LABELS = 40, 6
CALLED = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 1], [0, 0, 0, 0]], bool)
TRUE = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 1], [0, 0, 0, 0]], bool)
INTERACTS = np.zeros((4, 4), bool)
INTERACTS[0, 1] = INTERACTS[1, 0] = INTERACTS[2, 3] = INTERACTS[3, 2] = True


def test_sets_by_hand() -> None:
    assert sets.jaccard(CALLED, TRUE) == pytest.approx((1 / 2 + 0 + 1 + 1) / 4)
    assert sets.set_f1(CALLED, TRUE) == pytest.approx((2 / 3 + 0 + 1 + 1) / 4)
    assert sets.micro_f1(CALLED, TRUE) == pytest.approx(2 * 4 / (5 + 5))
    assert sets.set_size(CALLED) == pytest.approx(5 / 4)


def test_interacting_pairs_by_hand() -> None:
    interacting, possible = sets.pairs(CALLED, INTERACTS)
    assert interacting.tolist() == [1, 0, 1, 0] and possible.tolist() == [1, 0, 3, 0]
    assert sets.ddi_rate(CALLED, INTERACTS) == pytest.approx(2 / 4)
    assert np.isnan(sets.ddi_rate(np.eye(4, dtype=bool), INTERACTS)), "one label a row makes no pair"


def test_the_share_that_is_ruled_out_is_of_what_was_called() -> None:
    barred = np.zeros_like(CALLED)
    barred[2] = True
    assert sets.barred_rate(CALLED, barred) == pytest.approx(3 / 5)
    assert np.isnan(sets.barred_rate(np.zeros_like(CALLED), barred))


def test_sets_and_rankings_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    true, risk = random.random((ROWS, LABELS)) < 0.4, np.round(random.random((ROWS, LABELS)), 1)
    true[true.sum(1) == 0, 0] = True
    called = risk >= 0.5
    assert sets.jaccard(called, true) == pytest.approx(sklearn.jaccard_score(true, called, average="samples"))
    assert sets.set_f1(called, true) == pytest.approx(sklearn.f1_score(true, called, average="samples"))
    assert sets.micro_f1(called, true) == pytest.approx(sklearn.f1_score(true, called, average="micro"))
    each = sets.each_auprc(risk, true, np.full_like(true, True))
    expected = [sklearn.average_precision_score(true[row], risk[row]) for row in range(ROWS)]
    np.testing.assert_allclose(each, expected, rtol=1e-12)
    assert sets.row_auprc(each) == pytest.approx(np.mean(expected))


def test_a_row_without_a_true_label_has_no_ranking() -> None:
    true = np.array([[False, False], [True, False]])
    risk = np.array([[0.9, 0.1], [0.9, 0.1]])
    each = sets.each_auprc(risk, true, np.full_like(true, True))
    assert np.isnan(each[0]) and each[1] == 1
    assert sets.row_auprc(each) == 1


def test_an_unknown_label_is_no_part_of_the_ranking() -> None:
    true, risk = np.array([[True, True]]), np.array([[0.2, 0.9]])
    known = np.array([[True, False]])
    assert sets.each_auprc(risk, true, known).tolist() == [1.0]


def test_weights_count_rows_as_often_as_they_say() -> None:
    weights = np.array([[2.0, 0, 1, 0], [0, 0, 0, 3]])
    repeated = np.repeat(np.arange(4), [2, 0, 1, 0])
    for function in (sets.jaccard, sets.set_f1, sets.micro_f1):
        assert function(CALLED, TRUE, weights)[0] == pytest.approx(function(CALLED[repeated], TRUE[repeated]))
    assert sets.ddi_rate(CALLED, INTERACTS, weights)[0] == pytest.approx(sets.ddi_rate(CALLED[repeated], INTERACTS))


@given(
    arrays(bool, (7, 5)),
    arrays(bool, (7, 5)),
    arrays(bool, (5, 5)),
    st.permutations(range(5)),
)
def test_neither_the_order_of_labels_nor_the_side_of_a_set_matters(
    called: np.ndarray, true: np.ndarray, half: np.ndarray, order: list[int]
) -> None:
    interacts = np.triu(half, 1) | np.triu(half, 1).T
    assert sets.jaccard(called, true) == sets.jaccard(true, called)
    assert 0 <= sets.jaccard(called, true) <= float(sets.set_f1(called, true)) + 1e-12 <= 1 + 1e-12
    assert (sets.jaccard(called, true) == 1) == bool((called == true).all())
    turned = sets.pairs(called[:, order], interacts[np.ix_(order, order)])
    np.testing.assert_array_equal(turned, sets.pairs(called, interacts))
    assert (turned[0] <= turned[1]).all()
