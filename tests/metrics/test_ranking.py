"""What stands first: against scikit-learn and by hand; ties share their places, so the order of the columns never decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score, top_k_accuracy_score

from sequela.metrics import ranking

ROWS, LABELS = 30, 9
RISK = arrays(np.float64, (4, 6), elements=st.sampled_from([0.1, 0.4, 0.4, 0.9]))


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_micro_auroc_and_top_three_agree_with_scikit_learn(random: np.random.Generator) -> None:
    risk, true = np.round(random.random((ROWS, LABELS)), 2), random.random((ROWS, LABELS)) < 0.3
    known = np.full_like(true, True)
    assert ranking.micro_auroc(risk, true, known) == pytest.approx(roc_auc_score(true, risk, average="micro"))
    probability = random.dirichlet(np.ones(LABELS), ROWS)
    truth = random.integers(0, LABELS, ROWS)
    expected = top_k_accuracy_score(truth, probability, k=3, labels=np.arange(LABELS))
    assert ranking.top3_accuracy(ranking.each_hit(probability, truth, 3)) == pytest.approx(expected)


def test_precision_by_hand_leaves_out_what_is_not_known(random: np.random.Generator) -> None:
    risk, true = np.array([[0.9, 0.8, 0.7, 0.6]]), np.array([[True, False, True, True]])
    known = np.array([[False, True, True, True]])
    assert ranking.each_precision(risk, true, known, 2).tolist() == [0.5]
    assert np.isnan(ranking.each_precision(risk, true, known, 4)).all()
    assert ranking.p_at_5(np.array([0.2, np.nan, 0.6])) == pytest.approx(0.4)
    assert ranking.p_at_8(np.array([0.5]), np.array([[0.0], [2.0]]))[1] == 0.5


@given(RISK, arrays(bool, (4, 6)), st.permutations(range(6)), st.integers(1, 5))
def test_the_order_of_the_columns_never_decides(risk: np.ndarray, true: np.ndarray, order: list[int], first: int) -> None:
    known = np.full_like(true, True)
    turned = ranking.each_precision(risk[:, order], true[:, order], known, first)
    np.testing.assert_allclose(ranking.each_precision(risk, true, known, first), turned)
    truth = true.argmax(1)
    hits = ranking.each_hit(risk[:, order], np.argsort(order)[truth], first)
    np.testing.assert_allclose(ranking.each_hit(risk, truth, first), hits)


def test_one_risk_for_all_gives_the_chance_of_a_draw() -> None:
    truth = np.arange(4)
    assert ranking.top3_accuracy(ranking.each_hit(np.full((4, 4), 0.25), truth, 3)) == pytest.approx(0.75)


def test_weights_count_rows_as_often_as_they_say_even_in_slices(
    random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    risk, true = random.random((ROWS, LABELS)), random.random((ROWS, LABELS)) < 0.3
    known = random.random((ROWS, LABELS)) < 0.9
    weights = random.integers(0, 3, (5, ROWS)).astype(float)
    monkeypatch.setattr(ranking, "SLICE", 2 * known.sum())
    said = ranking.micro_auroc(risk, true, known, weights)
    for one, own in zip(said, weights, strict=True):
        rows = np.repeat(np.arange(ROWS), own.astype(int))
        assert one == pytest.approx(ranking.micro_auroc(risk[rows], true[rows], known[rows]))
    assert ranking.micro_auroc(risk, true, known, weights[0]) == pytest.approx(said[0])
