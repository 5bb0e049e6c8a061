"""Intervals set on tune: what Romano's recipe gives, what patients weigh, and what survives of the guarantee."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import DataError
from sequela.evaluate import calibrate, conformal
from sequela.types import Answer, Array, Quantiles, Target

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def answered(middle: Array, spread: float) -> Answer:
    """Quantiles of a normal distribution of this spread around the middle "N K"."""
    offsets = np.array([-1.2816, -0.6745, 0, 0.6745, 1.2816]) * spread
    return Answer("values", middle, names(middle), quantiles=Quantiles(LEVELS, middle[:, :, None] + offsets))


def names(middle: Array) -> tuple[str, ...]:
    return tuple(f"HR +{k + 1}s" for k in range(middle.shape[1]))


def of(truth: Array) -> Target:
    return Target(truth, np.ones(truth.shape, bool), names(truth))


def held(around: Quantiles, truth: Array, pair: int = 0) -> float:
    low, high = around.values[:, :, pair], around.values[:, :, -1 - pair]
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize("spread", [0.3, 1.0, 4.0])
def test_intervals_too_narrow_or_too_wide_hold_what_they_promise(spread: float) -> None:
    random = np.random.default_rng(0)
    middle, other = random.normal(size=(4000, 2)), random.normal(size=(4000, 2))
    truth, unseen = middle + random.normal(size=middle.shape), other + random.normal(size=other.shape)
    calibrator = calibrate.fit_quantiles(answered(middle, spread), of(truth), np.arange(4000))
    around = calibrator.apply(answered(other, spread)).quantiles
    assert around is not None
    assert held(around, unseen) == pytest.approx(0.8, abs=0.02)
    assert held(around, unseen, 1) == pytest.approx(0.5, abs=0.02)
    assert (np.diff(around.values, axis=2) >= 0).all()


def test_with_one_row_a_patient_the_width_is_that_of_romano_but_for_one_row() -> None:
    random = np.random.default_rng(1)
    middle = random.normal(size=(99, 1))
    truth = middle + 2 * random.normal(size=(99, 1))
    answer = answered(middle, 1.0)
    assert answer.quantiles is not None
    low, high = answer.quantiles.values[:, 0, 0], answer.quantiles.values[:, 0, -1]
    scores = np.sort(np.maximum(low - truth[:, 0], truth[:, 0] - high))
    found = conformal.widths(answer.quantiles, of(truth), np.arange(99))[0, 0]
    assert found == scores[int(np.ceil(0.8 * 99)) - 1]  # Romano 2019, equation 8, has ceil(0.8 * 100)


def test_every_patient_weighs_the_same_however_many_rows_there_are() -> None:
    truth = np.concatenate([np.zeros(1000), np.full(4, 5.0)])[:, None]  # one patient of 1000 rows, four of one
    subject = np.concatenate([np.zeros(1000), np.arange(1, 5)])
    answer = answered(np.zeros((1004, 1)), 1.0)
    assert answer.quantiles is not None
    widest = conformal.widths(answer.quantiles, of(truth), subject)[0, 0]
    assert widest == pytest.approx(5 - 1.2816)
    alone = conformal.widths(answer.quantiles, of(truth), np.arange(1004))[0, 0]
    assert alone == pytest.approx(-1.2816)


def test_a_row_of_a_new_patient_is_covered_as_often_as_the_guarantee_says() -> None:
    """Patients whose errors differ in size: the promised share times P / (P + 1), of P patients in tune."""
    random, few, hits = np.random.default_rng(2), 6, []
    for _ in range(400):
        size = np.exp(random.normal(size=few + 1))
        error = size[:, None] * random.normal(size=(few + 1, 30))
        tune = error[:few].reshape(-1, 1)
        calibrator = calibrate.fit_quantiles(answered(np.zeros_like(tune), 1.0), of(tune), np.repeat(np.arange(few), 30))
        around = calibrator.apply(answered(np.zeros((30, 1)), 1.0)).quantiles
        assert around is not None
        hits.append(held(around, error[few:].T))
    assert calibrator.subjects == few
    assert np.mean(hits) > 0.8 * few / (few + 1)
    assert np.mean(hits) == pytest.approx(0.8, abs=0.06)


def test_a_column_that_is_known_of_no_row_keeps_its_intervals() -> None:
    middle = np.zeros((10, 2))
    target = Target(middle, np.array([[True, False]] * 10), names(middle))
    calibrator = calibrate.fit_quantiles(answered(middle, 1.0), target, np.arange(10))
    assert calibrator.widths[1] == (0, 0) and calibrator.widths[0] != (0, 0)


def test_narrowed_quantiles_never_cross_the_middle() -> None:
    around = answered(np.zeros((3, 1)), 1.0).quantiles
    assert around is not None
    found = conformal.widened(around, np.array([[-5.0, 3.0]])).values
    assert (np.diff(found, axis=2) >= 0).all()
    np.testing.assert_allclose(found[0, 0], [-3.6745, -3.6745, 0, 3.6745, 3.6745])


def test_a_calibration_of_other_levels_or_names_is_refused() -> None:
    answer = answered(np.zeros((5, 1)), 1.0)
    calibrator = calibrate.fit_quantiles(answer, of(np.ones((5, 1))), np.arange(5))
    other = Answer("values", answer.values, answer.names, quantiles=Quantiles((0.2, 0.5, 0.8), np.zeros((5, 1, 3))))
    with pytest.raises(DataError, match="the quantiles"):
        calibrator.apply(other)
    with pytest.raises(DataError, match="the answer of"):
        calibrator.apply(answered(np.zeros((5, 2)), 1.0))
    with pytest.raises(DataError, match="without quantiles"):
        calibrate.fit_quantiles(Answer("values", answer.values, answer.names), of(np.ones((5, 1))), np.arange(5))
