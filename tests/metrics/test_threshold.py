"""Decisions against scikit-learn, and what is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from sequela.metrics import threshold as ours


@pytest.fixture
def decided() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    event = random.random(300) < 0.3
    return np.where(random.random(300) < 0.75, event, ~event), event, random.integers(0, 3, 300).astype(float)


def test_rates_are_those_of_scikit_learn(decided: tuple[np.ndarray, ...]) -> None:
    decision, event, weights = decided
    for weight in (None, weights):
        plain = {"sample_weight": weight}
        assert ours.accuracy(decision, event, weight) == pytest.approx(theirs.accuracy_score(event, decision, **plain))
        assert ours.balanced_accuracy(decision, event, weight) == pytest.approx(
            theirs.balanced_accuracy_score(event, decision, **plain)
        )
        assert ours.sensitivity(decision, event, weight) == pytest.approx(theirs.recall_score(event, decision, **plain))
        assert ours.specificity(decision, event, weight) == pytest.approx(theirs.recall_score(~event, ~decision, **plain))
        assert ours.ppv(decision, event, weight) == pytest.approx(theirs.precision_score(event, decision, **plain))
        assert ours.npv(decision, event, weight) == pytest.approx(theirs.precision_score(~event, ~decision, **plain))
        assert ours.f1(decision, event, weight) == pytest.approx(theirs.f1_score(event, decision, **plain))
        assert [ours.lr_positive(decision, event, weight), ours.lr_negative(decision, event, weight)] == pytest.approx(
            theirs.class_likelihood_ratios(event, decision, **plain)
        )


def test_macro_f1_is_that_of_scikit_learn_over_chosen_classes() -> None:
    random = np.random.default_rng(5)
    truth = random.integers(0, 4, 200)
    decision = np.where(random.random(200) < 0.6, truth, random.integers(0, 4, 200))
    assert ours.macro_f1(decision, truth) == pytest.approx(theirs.f1_score(truth, decision, average="macro"))
    chosen = theirs.f1_score(truth, decision, average="macro", labels=[0, 2])
    assert ours.macro_f1(decision, truth, classes=[0, 2]) == pytest.approx(chosen)


def test_an_empty_denominator_is_undefined_not_zero() -> None:
    nobody, event = np.zeros(4, bool), np.array([True, False, True, False])
    assert np.isnan(ours.ppv(nobody, event))
    assert np.isnan(ours.sensitivity(nobody, nobody))
    assert np.isnan(ours.balanced_accuracy(nobody, nobody))
    assert np.isnan(ours.f1(nobody, nobody))
    assert ours.f1(nobody, event) == 0
