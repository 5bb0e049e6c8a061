"""Thresholds by each rule, against every threshold there is."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.evaluate import threshold
from sequela.evaluate.threshold import choose, choose_all, decide
from sequela.metrics.threshold import f1, sensitivity, specificity
from sequela.types import Answer, Target


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    event = random.random(150) < 0.3
    return np.round(np.clip(random.random(150) * 0.6 + 0.3 * event, 0, 1), 2), event


def every(risk: np.ndarray) -> np.ndarray:
    return np.append(np.unique(risk), 1.1)


def test_youden_and_f1_are_the_best_of_all_thresholds(rows: tuple[np.ndarray, np.ndarray]) -> None:
    risk, event = rows
    youden, best = choose(risk, event, "youden"), choose(risk, event, "f1")
    index = [sensitivity(risk >= cut, event) + specificity(risk >= cut, event) for cut in every(risk)]
    assert sensitivity(risk >= youden, event) + specificity(risk >= youden, event) == pytest.approx(max(index))
    assert f1(risk >= best, event) == pytest.approx(np.nanmax([f1(risk >= cut, event) for cut in every(risk)]))


def test_a_wanted_sensitivity_is_reached_with_the_fewest_calls(rows: tuple[np.ndarray, np.ndarray]) -> None:
    risk, event = rows
    cut = choose(risk, event, "sensitivity=0.9")
    assert sensitivity(risk >= cut, event) >= 0.9
    assert sensitivity(risk >= np.unique(risk)[np.unique(risk) > cut][1], event) < 0.9


def test_a_wanted_specificity_is_reached_with_the_most_events(rows: tuple[np.ndarray, np.ndarray]) -> None:
    risk, event = rows
    cut = choose(risk, event, "specificity=0.95")
    assert specificity(risk >= cut, event) >= 0.95
    assert specificity(risk >= np.unique(risk)[np.unique(risk) < cut][-1], event) < 0.95


def test_a_threshold_lies_between_risks_so_that_rounding_changes_no_decision(rows: tuple[np.ndarray, np.ndarray]) -> None:
    risk, event = rows
    cut = choose(risk, event, "youden")
    assert np.abs(risk - cut).min() > 1e-3


@pytest.mark.parametrize("rule", [0.3, "0.3"])
def test_a_number_is_taken_as_it_is(rule: str | float) -> None:
    assert choose(np.zeros(2), np.zeros(2, bool), rule) == 0.3


@pytest.mark.parametrize("rule", ["best", "sensitivity", "sensitivity=high", "sensitivity=1.2", 1.5, "-1"])
def test_an_unknown_rule_is_refused(rule: str | float, rows: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ConfigError, match="threshold"):
        choose(*rows, rule)


def test_one_outcome_alone_gives_no_threshold() -> None:
    with pytest.raises(DataError, match="0 of 3 rows are events"):
        choose(np.arange(3) / 3, np.zeros(3, bool), "youden")


def test_each_label_has_its_own_threshold_from_rows_whose_label_is_known() -> None:
    answer = Answer("probabilities", np.array([[0.1, 0.9], [0.4, 0.2], [0.6, 0.6], [0.99, 0.1]]), ("a", "b"))
    known = np.array([[True, True], [True, True], [True, True], [False, True]])
    target = Target(np.array([[0, 1], [0, 0], [1, 1], [0, 0]], float), known, ("a", "b"))
    cuts = choose_all("multilabel", {"model": answer}, target, "youden")
    assert cuts == pytest.approx({"model/a": 0.5, "model/b": 0.4})
    assert decide("multilabel", "model", answer, cuts).tolist() == [[False, True], [False, False], [True, True], [True, False]]
    assert choose_all("multiclass", {"model": answer}, target, "youden") == {}


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("segment", "jaccard"), ("detect", "specificity=0.9"), ("binary", "jaccard"), ("multilabel", "best"), ("segment", 2.0)],
)
def test_a_rule_that_a_kind_of_task_cannot_have_is_known_before_there_is_an_answer(kind: str, rule: str | float) -> None:
    with pytest.raises(ConfigError, match="threshold"):
        threshold.check(kind, rule)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("segment", "f1"),
        ("segment", "youden"),
        ("detect", "sensitivity=0.9"),
        ("binary", "specificity=0.95"),
        ("multilabel", "jaccard"),
        ("multiclass", "youden"),
        ("detect", 0.4),
    ],
)
def test_the_rules_of_each_kind_of_task_are_let_through(kind: str, rule: str | float) -> None:
    threshold.check(kind, rule)


def test_labels_too_rare_to_choose_a_threshold_by_are_named_before_anything_is_trained() -> None:
    values = np.array([[1.0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]])
    every, names = np.ones((3, 4), bool), ("I10", "J18", "E11", "I48")
    tune, train = Target(values, every, names), Target(np.eye(3, 4), every, names)  # I48 never in train: the task's to say
    with pytest.raises(DataError, match="no threshold can be chosen for J18, E11: the tune part"):
        threshold.check_events("multilabel", train, tune, "youden")
    for rule in (0.5, "0.5", "jaccard"):
        threshold.check_events("multilabel", train, tune, rule)
    threshold.check_events("multiclass", train, tune, "youden")
