"""Decisions are withheld so that those given keep the promised share of wrong ones, or all are, with the reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from sequela.evaluate.uncertainty import abstention
from sequela.types import Answer


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and whether a decision of that confidence is wrong: calibrated."""
    random = np.random.default_rng(seed)
    sure = random.beta(4, 1.3, count) / 2 + 0.5
    return sure, random.random(count) > sure


def test_the_promise_is_broken_no_more_often_than_its_confidence_says() -> None:
    new, missed = rows(100_000, 10_001)
    broken, answered = 0, 0
    for seed in range(200):
        sure, wrong = rows(400, seed)
        fitted = abstention.fit(sure, wrong, np.arange(400), 0.08, 0.9, seed)
        gives = fitted.gives(new)
        broken += bool(gives.any() and missed[gives].mean() > 0.08)
        answered += fitted.cut is not None
    assert broken <= 0.1 * 200
    assert answered >= 100


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.05, 0.3))
def test_a_stricter_risk_gives_no_more_decisions(seed: int, risk: float) -> None:
    sure, wrong = rows(500, seed)
    strict, loose = (abstention.fit(sure, wrong, np.arange(500), asked, 0.9, 0) for asked in (risk, 2 * risk))
    if strict.cut is not None and loose.cut is not None:
        assert strict.gives(sure).sum() <= loose.gives(sure).sum()


def test_where_no_cut_keeps_the_promise_nothing_is_given_and_the_nearest_is_told() -> None:
    random = np.random.default_rng(0)
    sure, wrong = random.random(300), random.random(300) < 0.5
    fitted = abstention.fit(sure, wrong, np.arange(300), 0.1, 0.9, 0)
    assert fitted.cut is None and not fitted.gives(sure).any()
    assert fitted.given > 0 and (fitted.bound or 0) > 0.1


def test_too_few_subjects_can_promise_nothing_however_right_they_are() -> None:
    assert abstention.fit(np.full(20, 0.99), np.zeros(20, bool), np.arange(20), 0.1, 0.9, 0).cut is None
    assert abstention.fit(np.full(22, 0.99), np.zeros(22, bool), np.arange(22), 0.1, 0.9, 0).cut is not None


def test_a_subject_with_many_rows_is_one_trial() -> None:
    sure, wrong = np.full(400, 0.99), np.zeros(400, bool)
    fitted = abstention.fit(sure, wrong, np.arange(400) // 40, 0.1, 0.9, 0)
    assert fitted.subjects == 10 and fitted.cut is None


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    for wrong, given_ in ((0, 30), (3, 50), (17, 120)):
        exact = binomtest(wrong, given_, alternative="less").proportion_ci(0.9, method="exact").high
        assert abstention.upper(np.array([wrong]), np.array([given_]), 0.9)[0] == pytest.approx(exact, abs=1e-9)


def test_surety_is_of_the_decision_at_the_threshold() -> None:
    answer = Answer("probabilities", np.array([[0.2], [0.05]]), ("ill",))
    assert abstention.decided(answer, 0.1).tolist() == [1, 0]
    assert abstention.surety(answer, 0.1) == pytest.approx([0.2, 0.95])
    classes = Answer("probabilities", np.array([[0.2, 0.7, 0.1]]), ("a", "b", "c"))
    assert abstention.surety(classes, None) == pytest.approx([0.7])
