"""Calibration mends what balancing broke, survives JSON, and refuses what it cannot fit."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.evaluate.calibrate import Calibrator, Method, fit
from sequela.metrics.calibration import logit, recalibration
from sequela.metrics.probability import log_loss
from sequela.types import Answer, Target


def balanced(count: int = 4000) -> tuple[Answer, Target]:
    """Risks that are right but for a prevalence taken as one half (odds times 4) and a slope of 2."""
    random = np.random.default_rng(0)
    risk = random.beta(1, 4, count)
    event = random.random(count) < risk
    wrong = 1 / (1 + np.exp(-(2 * logit(risk) + np.log(4))))
    return Answer("probabilities", wrong[:, None], ("death",)), Target(
        event[:, None].astype(float), np.ones((count, 1), bool), ("death",)
    )


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_recalibrated_risks_mean_what_they_say_and_survive_json(method: Method) -> None:
    answer, target = balanced()
    event = target.values[:, 0] > 0
    calibrator = msgspec.json.decode(msgspec.json.encode(fit(answer, target, method)), type=Calibrator)
    mended = calibrator.apply(answer).values[:, 0]
    assert mended.mean() == pytest.approx(event.mean(), abs=0.002)
    assert log_loss(mended, event) < log_loss(answer.values[:, 0], event)
    assert (np.diff(mended[np.argsort(answer.values[:, 0])]) >= 0).all()
    if method == "platt":
        assert recalibration(mended, event) == pytest.approx([0, 1], abs=0.01)


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_classes_still_sum_to_one(method: Method) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(3000, 3))
    truth = np.array([random.choice(3, p=np.exp(row) / np.exp(row).sum()) for row in logits])
    sharp = np.exp(2.5 * logits) / np.exp(2.5 * logits).sum(1, keepdims=True)
    answer = Answer("probabilities", sharp, ("a", "b", "c"))
    target = Target(truth[:, None].astype(float), np.ones((3000, 1), bool), ("a", "b", "c"))
    calibrator = fit(answer, target, method)
    mended = calibrator.apply(answer).values
    np.testing.assert_allclose(mended.sum(1), 1, atol=1e-12)
    one_hot = truth[:, None] == np.arange(3)
    assert log_loss(mended, one_hot) < log_loss(sharp, one_hot)
    if method == "temperature":
        assert calibrator.temperature == pytest.approx(2.5, rel=0.08)


def test_separated_outcomes_still_get_finite_risks() -> None:
    event = np.arange(40) >= 20
    answer = Answer("probabilities", np.where(event, 0.9, 0.1)[:, None], ("death",))
    mended = fit(answer, Target(event[:, None].astype(float), np.ones((40, 1), bool), ("death",)), "platt").apply(answer)
    assert mended.values.min() > 0
    assert mended.values.max() < 1


def test_constant_risks_become_the_share_of_events() -> None:
    event = np.arange(100) < 20
    answer = Answer("probabilities", np.full((100, 1), 0.5), ("death",))
    mended = fit(answer, Target(event[:, None].astype(float), np.ones((100, 1), bool), ("death",)), "platt").apply(answer)
    assert mended.values == pytest.approx(0.2, abs=0.02)


def test_what_cannot_be_calibrated_is_refused() -> None:
    answer, target = balanced(50)
    nobody = Target(np.zeros((50, 1)), target.known, target.names)
    with pytest.raises(DataError, match="0 of 50 rows are events"):
        fit(answer, nobody, "platt")
    with pytest.raises(ConfigError, match="answers values"):
        fit(Answer("values", answer.values, answer.names), target, "platt")
    with pytest.raises(ConfigError, match="exclusive classes"):
        fit(answer, target, "temperature")
    with pytest.raises(DataError, match="the calibration is of"):
        fit(answer, target, "platt").apply(Answer("probabilities", answer.values, ("other",)))
