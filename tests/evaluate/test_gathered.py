"""Fewer classes judged beside the task's own, and segments of letters: decisions of summed chances, resampled by sequence."""

from __future__ import annotations

import numpy as np
import pytest

from sequela import config
from sequela.errors import ConfigError
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.metric import Metric
from sequela.types import Along, Answer, Array, Cohort, Target

NAMES = ("H", "G", "E", "L")
Q3 = {"helix": ["H", "G"], "strand": ["E"], "coil": ["L"]}


def judged(truth: Array, chance: Array, row: Array, dense: Along | None = None, **settings: object) -> list[Metric]:
    """Of the letters of proteins, each protein a subject."""
    never = np.full(len(truth), np.datetime64("NaT", "us"))
    names = np.char.add(row.astype(str), np.char.add("/", np.arange(len(row)).astype(str)))
    target = Target(np.maximum(truth, 0)[:, None].astype(float), (truth >= 0)[:, None], NAMES, dense)
    cohort = Cohort(row, row.astype(str), names, never, never, np.full(len(row), "test"), target)
    asked = config.convert({"bootstrap": 30, **settings}, config.Evaluate)
    answers = {
        "model": Answer("probabilities", chance, NAMES),
        "baseline:mean": Answer("probabilities", np.eye(4)[truth * 0], NAMES),
    }
    return evaluate("multiclass", cohort, answers, asked, {}, part="test", split="s", seed=0).metrics


def found(metrics: list[Metric], metric: str, class_: str = "", against: str = "") -> Metric:
    (one,) = [m for m in metrics if (m.metric, m.class_, m.against, m.model) == (metric, class_, against, "model")]
    return one


def test_chances_of_gathered_classes_are_added_before_one_is_decided() -> None:
    truth, row = np.array([0, 1, 2, 3] * 6), np.repeat(np.arange(6), 4)
    chance = np.tile([0.3, 0.3, 0.4, 0.0], (24, 1))  # strand is likeliest of four, helix of three
    metrics = judged(truth, chance, row, gathered=Q3)
    assert found(metrics, "accuracy").value == pytest.approx(0.25)
    one = found(metrics, "gathered_accuracy")
    assert one.value == pytest.approx(0.5) and one.low is not None
    assert found(metrics, "gathered_accuracy", against="baseline:mean").value == pytest.approx(0)
    assert not [m for m in metrics if m.metric.endswith("sov")]


def test_segments_are_asked_of_letters_of_all_classes_of_each_and_of_fewer() -> None:
    truth, row = np.array([0, 0, 1, 1, 3, 3] * 5), np.repeat(np.arange(5), 6)
    along = Along(row, np.tile(np.arange(6), 5))
    said = np.array([0, 0, 0, 1, 3, 3] * 5)
    metrics = judged(truth, np.eye(4)[said], row, along, gathered=Q3)
    assert found(metrics, "gathered_sov").value == found(metrics, "gathered_sov", "helix").value == pytest.approx(1)
    assert found(metrics, "sov", "H").value == pytest.approx((2 + 1) / 3)  # half of two letters is forgiven
    assert found(metrics, "sov", "E").value is None and found(metrics, "sov", "E").reason == "no true segment"
    assert found(metrics, "sov", against="baseline:mean").value is not None


def test_letters_of_which_nothing_is_known_break_a_segment() -> None:
    truth, row = np.array([0, 0, -1, 0, 0, 3] * 4), np.repeat(np.arange(4), 6)
    along = Along(row, np.tile(np.arange(6), 4))
    said = np.array([0, 0, 0, 3, 3, 3] * 4)
    assert found(judged(truth, np.eye(4)[said], row, along), "sov", "H").value == pytest.approx(0.5)


@pytest.mark.parametrize(
    "gathered", [{"helix": ["H", "G"], "rest": ["E"]}, {"a": ["H", "G", "E"], "b": ["L", "H"]}, {"a": ["X"]}]
)
def test_each_class_is_gathered_once(gathered: dict[str, list[str]]) -> None:
    truth, row = np.array([0, 1, 2, 3] * 2), np.repeat(np.arange(2), 4)
    with pytest.raises(ConfigError, match="lists each class once"):
        judged(truth, np.eye(4)[truth], row, gathered=gathered)
