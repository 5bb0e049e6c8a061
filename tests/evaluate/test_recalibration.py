"""Beta calibration is that of its authors, and the best calibration is chosen by rows that did not teach it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from sequela.errors import ConfigError
from sequela.evaluate import calibrate, recalibration
from sequela.evaluate.calibrate import Calibrator, Curve
from sequela.types import Answer, Target

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "beta_calibration.json").read_text(encoding="utf-8"))


def risks(count: int, seed: int, wrong: float) -> tuple[Answer, Target]:
    """Risks whose log-odds are `wrong` times what they should be."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=count) * 1.5 - 0.5
    event = random.random(count) < 1 / (1 + np.exp(-logits))
    answer = Answer("probabilities", (1 / (1 + np.exp(-wrong * logits)))[:, None], ("ill",))
    return answer, Target(event[:, None].astype(float), np.ones((count, 1), bool), ("ill",))


@pytest.mark.parametrize("case", range(len(GOLDEN["cases"])))
def test_beta_calibration_is_that_of_betacal(case: int) -> None:
    one = GOLDEN["cases"][case]
    fitted = calibrate.beta_of(np.array(one["risk"]), np.array(one["event"], float))
    calibrator = Calibrator("beta", ("ill",), (Curve(*fitted),))
    told = calibrator.apply(Answer("probabilities", np.array(one["asked"])[:, None], ("ill",)))
    assert told.values[:, 0] == pytest.approx(one["told"], abs=2e-3)  # its optimiser stops a little before the optimum


def test_beta_calibration_never_turns_the_order_of_two_rows() -> None:
    answer, target = risks(200, 0, -1.0)
    grid = Answer("probabilities", np.linspace(0.001, 0.999, 50)[:, None], ("ill",))
    assert (np.diff(calibrate.fit(answer, target, "beta").apply(grid).values[:, 0]) >= 0).all()


def test_right_risks_are_left_alone_and_wrong_ones_mended() -> None:
    right, target = risks(4000, 1, 1.0)
    wrong, _ = risks(4000, 1, 4.0)
    subject = np.arange(4000)
    gain = {one.method: one.gain or 0.0 for one in recalibration.best(right, target, subject, 0).tried}
    assert max(gain.values()) < 0.002
    chosen = recalibration.best(wrong, target, subject, 0)
    assert chosen.method != "none"
    mended = recalibration.losses(chosen.apply(wrong), target).mean()
    assert mended < recalibration.losses(wrong, target).mean() - 0.05
    assert [one.method for one in chosen.tried] == ["none", "platt", "beta", "isotonic"]


def test_all_rows_of_a_subject_are_in_one_fold() -> None:
    subject = np.repeat(np.arange(40), 5)
    side = recalibration.folds(subject, 3)
    assert all(len(set(side[subject == one])) == 1 for one in range(40)) and set(side) == set(range(recalibration.FOLDS))


def test_several_classes_may_share_a_temperature_and_labels_may_not() -> None:
    random = np.random.default_rng(0)
    truth = random.choice(3, 600)
    logits = random.normal(size=(600, 3)) + 2 * (truth[:, None] == np.arange(3))
    answer = Answer("probabilities", np.exp(3 * logits) / np.exp(3 * logits).sum(1, keepdims=True), ("a", "b", "c"))
    target = Target(truth[:, None].astype(float), np.ones((600, 1), bool), ("a", "b", "c"))
    found = recalibration.best(answer, target, np.arange(600), 0)
    assert "temperature" in [one.method for one in found.tried] and found.method != "none"
    assert found.apply(answer).values.sum(1) == pytest.approx(1)
    labels = Target((truth[:, None] == np.arange(3)).astype(float), np.ones((600, 3), bool), ("a", "b", "c"))
    assert "temperature" not in [one.method for one in recalibration.best(answer, labels, np.arange(600), 0).tried]


def test_a_way_that_cannot_be_fitted_is_told_with_its_reason() -> None:
    answer, target = risks(60, 2, 1.0)
    once = Target((np.arange(60) == 7)[:, None].astype(float), target.known, target.names)
    found = {one.method: one for one in recalibration.best(answer, once, np.arange(60), 0).tried}
    assert found["platt"].log_loss is None and "cannot be calibrated" in found["platt"].reason
    assert found["none"].log_loss is not None


def test_what_was_tried_survives_json_and_older_files_have_none() -> None:
    answer, target = risks(200, 3, 2.0)
    fitted = recalibration.best(answer, target, np.arange(200), 0)
    assert msgspec.json.decode(msgspec.json.encode(fitted), type=Calibrator) == fitted
    assert msgspec.json.decode(b'{"method":"platt","names":["ill"],"columns":[{"intercept":0.1}]}', type=Calibrator).tried == ()


def test_quantities_have_no_best_calibration() -> None:
    with pytest.raises(ConfigError, match="answers values"):
        recalibration.best(
            Answer("values", np.zeros((3, 1)), ("a",)), Target(np.zeros((3, 1)), np.ones((3, 1), bool), ("a",)), np.arange(3), 0
        )
