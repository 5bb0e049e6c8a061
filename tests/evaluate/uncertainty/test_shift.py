"""Another mix of classes is told from answers alone; other patients weigh rows of tune, and too few of these promise nothing."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import DataError
from sequela.evaluate.uncertainty import sets, shift
from sequela.types import Answer, Target

CLASSES = ("a", "b", "c")
BEFORE = np.array([0.6, 0.3, 0.1])


def mixed(count: int, share: np.ndarray, seed: int) -> tuple[Answer, np.ndarray]:
    """Rows of three classes in these shares, answered rightly calibrated for the mix BEFORE."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, count, p=share)
    value = random.normal(size=count) + 1.5 * truth
    density = np.exp(-((value[:, None] - 1.5 * np.arange(3)) ** 2) / 2) * BEFORE
    return Answer("probabilities", density / density.sum(1, keepdims=True), CLASSES), truth


def test_how_often_classes_occur_is_told_from_answers_without_labels() -> None:
    now = np.array([0.2, 0.3, 0.5])
    answer, _ = mixed(20_000, now, 0)
    assert shift.prevalence(answer, BEFORE) == pytest.approx(now, abs=0.02)


def test_decisions_alone_tell_it_too() -> None:
    now = np.array([0.2, 0.3, 0.5])
    tune, truth = mixed(20_000, BEFORE, 1)
    confusion = np.zeros((3, 3))
    np.add.at(confusion, (truth, tune.values.argmax(1)), 1 / len(truth))
    answer, _ = mixed(20_000, now, 2)
    assert shift.prevalence_by_decisions(answer.values.argmax(1), confusion) == pytest.approx(now, abs=0.06)


def test_the_same_mix_is_told_as_the_same() -> None:
    answer, _ = mixed(20_000, BEFORE, 3)
    assert shift.prevalence(answer, BEFORE) == pytest.approx(BEFORE, abs=0.02)


def test_decisions_that_do_not_depend_on_the_class_are_refused() -> None:
    with pytest.raises(DataError, match="do not tell the classes apart"):
        shift.prevalence_by_decisions(np.zeros(5, int), np.outer(BEFORE, [1.0, 0.0, 0.0]))


def test_a_class_that_never_occurred_is_refused() -> None:
    answer, _ = mixed(10, BEFORE, 3)
    with pytest.raises(DataError, match="never occurred"):
        shift.prevalence(answer, np.array([0.5, 0.5, 0.0]))


def test_one_limit_weighed_by_the_mix_covers_all_rows_of_another_mix() -> None:
    now = np.array([0.1, 0.2, 0.7])
    tune, truth = mixed(20_000, BEFORE, 4)
    new, true = mixed(20_000, now, 5)
    scores = 1 - tune.values[np.arange(len(truth)), truth]
    limits = shift.limits_under(scores, truth, np.arange(len(truth)), BEFORE, now, 0.9)
    found = (1 - new.values <= limits)[np.arange(len(true)), true]
    assert found.mean() == pytest.approx(0.9, abs=0.02)
    target = Target(truth[:, None].astype(float), np.ones((len(truth), 1), bool), CLASSES)
    plain = sets.fit(tune, target, np.arange(len(truth)), 0.9, "all").possible(new)
    assert plain[np.arange(len(true)), true].mean() < 0.8
    grids = [np.quantile(scores[truth == k], np.linspace(0, 1, 201)).tolist() for k in range(3)]
    kept = shift.limits_of_mix(grids, len(truth), np.bincount(truth) / len(truth), now, 0.9)
    assert kept == pytest.approx(limits, abs=0.01)


def test_equal_weights_give_the_limit_of_split_conformal_prediction() -> None:
    scores = np.random.default_rng(0).normal(size=99)
    assert shift.weighed_limits(scores, np.ones(99), np.ones(2), 0.9).tolist() == [np.sort(scores)[89]] * 2


def test_a_row_that_weighs_more_than_all_of_tune_has_no_limit() -> None:
    assert np.isinf(shift.weighed_limits(np.arange(10.0), np.ones(10), np.array([1000.0]), 0.9))[0]


def test_weights_of_like_patients_are_alike_and_of_others_are_few() -> None:
    random = np.random.default_rng(0)
    tune = random.normal(size=(1000, 3))
    same = shift.ratio(tune, random.normal(size=(1000, 3)))
    assert same.effective > 900 and same.enough
    other = shift.ratio(tune, random.normal(size=(1000, 3)) + 5)
    assert other.reached < 0.1 and not other.enough
    assert "nothing is promised" in other.statement() and "rests on that estimate" in same.statement()


def test_where_weights_are_too_few_every_class_stays_possible() -> None:
    answer, truth = mixed(50, BEFORE, 6)
    target = Target(truth[:, None].astype(float), np.ones((50, 1), bool), CLASSES)
    weights = shift.Weights(np.array([1.0, *np.zeros(49)]), np.ones(50))
    assert shift.possible(answer, target, np.arange(50), answer, weights, 0.9).all()
