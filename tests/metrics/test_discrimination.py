"""Ranking metrics against scikit-learn, brute force, and their own symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from sequela.metrics.discrimination import auprc, auroc, ranked, steps


def tied(seed: int, count: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    event = random.random(count) < 0.3
    return np.round(random.random(count) * 0.7 + 0.3 * event, 1), event, random.integers(0, 4, count).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_auroc_is_that_of_scikit_learn_with_ties_and_weights(seed: int) -> None:
    risk, event, weights = tied(seed)
    assert auroc(risk, event) == pytest.approx(roc_auc_score(event, risk), abs=1e-12)
    assert auroc(risk, event, weights) == pytest.approx(roc_auc_score(event, risk, sample_weight=weights), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_auprc_is_that_of_scikit_learn_with_ties_and_weights(seed: int) -> None:
    risk, event, weights = tied(seed)
    assert auprc(risk, event) == pytest.approx(average_precision_score(event, risk), abs=1e-12)
    assert auprc(risk, event, weights) == pytest.approx(average_precision_score(event, risk, sample_weight=weights), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=2, max_size=60), st.randoms())
def test_ranking_ignores_monotone_maps_and_the_order_of_rows(rows: list[tuple[int, bool]], random: object) -> None:
    risk, event = np.array([r for r, _ in rows], float), np.array([e for _, e in rows])
    order = np.array(random.sample(range(len(rows)), len(rows)))  # type: ignore[attr-defined]
    for metric in (auroc, auprc):
        np.testing.assert_allclose(metric(np.exp(risk / 5), event), metric(risk, event), atol=1e-12)
        np.testing.assert_allclose(metric(risk[order], event[order]), metric(risk, event), atol=1e-12)
    np.testing.assert_allclose(auroc(-risk, event), 1 - auroc(risk, event), atol=1e-12)


def test_many_resamples_at_once_are_each_what_they_are_alone() -> None:
    risk, event, _ = tied(1)
    weights = np.random.default_rng(0).integers(0, 3, (7, len(risk))).astype(float)
    for metric in (auroc, auprc):
        np.testing.assert_allclose(metric(risk, event, weights), [metric(risk, event, row) for row in weights], atol=1e-12)


def test_a_weight_of_two_is_a_row_written_twice() -> None:
    risk, event, weights = tied(2)
    twice = np.repeat(np.arange(len(risk)), weights.astype(int))
    assert auroc(risk, event, weights) == pytest.approx(auroc(risk[twice], event[twice]), abs=1e-12)
    assert auprc(risk, event, weights) == pytest.approx(auprc(risk[twice], event[twice]), abs=1e-12)


@pytest.mark.parametrize("event", [np.zeros(5, bool), np.ones(5, bool), np.zeros(0, bool)])
def test_one_outcome_alone_cannot_be_ranked(event: np.ndarray) -> None:
    assert np.isnan(auroc(np.arange(len(event)), event))
    assert np.isnan(auprc(np.arange(len(event)), event))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.booleans())
def test_counts_of_subjects_give_the_same_areas_as_weights_of_rows(chance: int, ties: bool) -> None:
    random = np.random.default_rng(chance)
    rows, subjects = int(random.integers(2, 40)), 12
    risk = random.integers(0, 4, rows) / 4 if ties else random.random(rows)
    event, subject = random.random(rows) < 0.4, random.integers(0, subjects, rows)
    counts = random.integers(0, 3, (subjects, 5)).astype(np.int32)
    order = ranked(risk, event)
    found = steps(order, subject, subjects).at(counts)
    np.testing.assert_allclose(found.auroc(), order.auroc(counts.T[:, subject]))
    np.testing.assert_allclose(found.auprc(), order.auprc(counts.T[:, subject]))
