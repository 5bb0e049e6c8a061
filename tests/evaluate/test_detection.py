"""Boxes from answer and truth to numbers with intervals, and through a table and back."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.evaluate import detection
from sequela.evaluate.detection import Tally
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.metric import Metric
from sequela.evaluate.threshold import choose_all, of_boxes
from sequela.metrics import detection as metrics
from sequela.types import Answer, Array, Boxed, Boxes, Cohort, Target

NAMES, ROWS = ("RBC", "WBC"), 20


def truth(rows: int = ROWS) -> Target:
    """Two red cells side by side on each picture, and a white one on every other."""
    each = [[[0, 0, 10, 10], [0, 20, 10, 30], *([[30, 30, 60, 60]] if row % 2 else [])] for row in range(rows)]
    label = [[0, 0, *([1] if row % 2 else [])] for row in range(rows)]
    offsets = np.cumsum([0, *map(len, each)])
    corners = np.array([box for one in each for box in one], np.float32)
    boxes = Boxes(offsets, corners, np.array([k for one in label for k in one]))
    return Target(np.zeros((rows, 1)), np.full((rows, 1), True), NAMES, boxes)


def said(target: Target, seed: int = 0) -> Answer:
    """Nine of ten boxes, near the true ones, and some of nothing; the third picture could not be read."""
    random = np.random.default_rng(seed)
    boxed: list[Boxed | None] = []
    for row in range(len(target.values)):
        corners, label = target.dense.of(row)
        kept = random.random(len(label)) < 0.9
        nothing = np.array([[70.0, 70, 80, 80]] * int(random.integers(0, 2))).reshape(-1, 4)
        said = np.concatenate([corners[kept] + random.normal(0, 0.5, (int(kept.sum()), 4)), nothing])
        score = np.concatenate([random.uniform(0.4, 1, int(kept.sum())), random.uniform(0, 0.5, len(nothing))])
        boxed.append(Boxed(said.astype(np.float32), np.concatenate([label[kept], np.zeros(len(nothing), int)]), score))
    boxed[2] = None
    return Answer("boxes", np.zeros((len(boxed), 2)), NAMES, boxed=tuple(boxed))


def tallied(target: Target, seed: int = 0) -> Answer:
    answer = said(target, seed)
    return replace(answer, tally=detection.tally(answer, target))


def cohort(target: Target) -> Cohort:
    rows = len(target.values)
    names, never = np.array([f"p{row}" for row in range(rows)]), np.full(rows, np.datetime64("NaT"), "datetime64[us]")
    return Cohort(np.arange(rows), names, names, never, never, np.full(rows, "test"), target)


def same(left: Tally, right: Tally) -> None:
    for name in Tally.__slots__:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


def test_a_tally_tells_hits_by_picture_and_class() -> None:
    target = truth(3)
    boxed = (
        Boxed(np.array([[0, 20, 10, 30], [0, 0, 10, 10]], np.float32), np.array([0, 0]), np.array([0.3, 0.9])),
        Boxed(np.array([[30, 30, 60, 60]], np.float32), np.array([0]), np.array([0.8])),  # there, but of another class
        None,
    )
    found = detection.tally(Answer("boxes", np.zeros((3, 2)), NAMES, boxed=boxed), target)
    assert found.offsets.tolist() == [0, 2, 3, 3]
    assert found.score.tolist() == [0.9, 0.3, 0.8]
    assert found.hit.all(1).tolist() == [True, True, False]
    assert found.truth.tolist() == [[2, 0], [2, 1], [2, 0]]
    assert found.ranked(0).row.tolist() == [0, 1, 0] and found.ranked(0).score.tolist() == [0.9, 0.8, 0.3]
    assert len(found.ranked(1).score) == 0 and found.ranked(1).truth.tolist() == [0, 1, 0]


def test_taking_rows_of_a_tally_is_tallying_those_rows() -> None:
    target = truth()
    answer = tallied(target)
    rows = np.array([7, 2, 11])
    same(answer.take(rows).tally, detection.tally(replace(answer, tally=None).take(rows), target.take(rows)))
    same(answer.tally.take(np.arange(0)), detection.tally(said(truth(3)).take(np.arange(0)), truth(3).take(np.arange(0))))


@pytest.mark.parametrize("rows", [np.arange(ROWS), np.array([2, 0]), np.array([2])])
def test_a_tally_goes_through_a_table_and_back(rows: Array) -> None:
    tally = tallied(truth()).tally.take(rows)
    file = io.BytesIO()
    pl.DataFrame(detection.columns(tally)).write_parquet(file)
    file.seek(0)
    same(detection.restored(pl.read_parquet(file), NAMES), tally)


def numbers(target: Target, answers: dict[str, Answer], **settings: object) -> list[Metric]:
    thresholds = choose_all("detect", answers, target, "f1")
    asked = config.convert({"bootstrap": 50, **settings}, config.Evaluate, "evaluate")
    return evaluate("detect", cohort(target), answers, asked, thresholds, part="test", split="", seed=0).metrics


def test_every_class_and_their_mean_get_numbers_with_intervals() -> None:
    target = truth()
    answer = tallied(target)
    found = {(one.metric, one.class_): one for one in numbers(target, {"model": answer})}
    for column, name in enumerate(NAMES):
        ranked = answer.tally.ranked(column)
        for metric in ("ap50", "ap", "froc"):
            one = found[metric, name]
            assert one.value == pytest.approx(float(getattr(metrics, metric)(ranked)))
            assert one.low is not None and one.high is not None and one.low <= one.value <= one.high
        cut = found["f1", name].threshold
        called = ranked.score >= cut
        assert found["sensitivity", name].value == pytest.approx((called & ranked.hit[:, 0]).sum() / ranked.truth.sum())
        assert found["ppv", name].value == pytest.approx((called & ranked.hit[:, 0]).sum() / called.sum())
        assert found["count_bias", name].value == pytest.approx((called.sum() - ranked.truth.sum()) / ROWS)
    mean = np.mean([found["ap50", name].value for name in NAMES])
    assert found["ap50", ""].value == pytest.approx(mean)


def test_two_answers_are_compared_on_the_same_pictures() -> None:
    target = truth()
    found = numbers(target, {"model": tallied(target), "baseline:blobs": tallied(target, 1)})
    compared = {(one.metric, one.class_): one for one in found if one.against == "baseline:blobs"}
    plain = {(one.model, one.metric, one.class_): one.value for one in found if not one.against}
    for metric, class_ in (("ap50", ""), ("ap", "RBC"), ("count_mae", "WBC")):
        expected = plain["model", metric, class_] - plain["baseline:blobs", metric, class_]
        assert compared[metric, class_].value == pytest.approx(expected)


def test_pictures_nobody_marked_are_left_out() -> None:
    target = truth()
    known = np.arange(ROWS)[:, None] >= 10
    hidden = replace(target, known=known)
    later = target.take(np.arange(10, ROWS))
    answer = tallied(target)
    some = {(one.metric, one.class_): one.value for one in numbers(hidden, {"model": answer}, bootstrap=0)}
    left = {"model": answer.take(np.arange(10, ROWS))}
    alone = {(one.metric, one.class_): one.value for one in numbers(later, left, bootstrap=0)}
    assert some == alone


def test_a_class_that_is_nowhere_is_undefined_and_left_out_of_the_mean() -> None:
    target = truth()
    kept = target.dense.label == 0
    offsets = np.concatenate([[0], np.cumsum(kept)])[target.dense.offsets]
    none = replace(target, dense=Boxes(offsets, target.dense.corners[kept], target.dense.label[kept]))
    found = {(one.metric, one.class_): one for one in numbers(none, {"model": tallied(none)}, bootstrap=0)}
    assert found["ap50", "WBC"].value is None and found["ap50", "WBC"].reason == "no such box is there"
    assert found["ap50", ""].value == found["ap50", "RBC"].value
    assert found["ap50", ""].reason == "without WBC: undefined"


def test_the_threshold_of_a_class_is_the_one_with_the_best_f1() -> None:
    ranked = tallied(truth()).tally.ranked(0)
    cut = of_boxes(ranked, "f1")

    def f1(at: float) -> float:
        called = ranked.score >= at
        return float(2 * (called & ranked.hit[:, 0]).sum() / (called.sum() + ranked.truth.sum()))

    assert f1(cut) == pytest.approx(max(f1(at) for at in ranked.score))
    assert cut == of_boxes(ranked, "youden") and of_boxes(ranked, 0.3) == of_boxes(ranked, "0.3") == 0.3


def test_the_threshold_of_a_sensitivity_is_the_highest_that_reaches_it() -> None:
    ranked = tallied(truth()).tally.ranked(0)
    cut = of_boxes(ranked, "sensitivity=0.5")
    found = (ranked.hit[:, 0] & (ranked.score >= cut)).sum() / ranked.truth.sum()
    above = (ranked.hit[:, 0] & (ranked.score > ranked.score[ranked.score >= cut].min())).sum() / ranked.truth.sum()
    assert found >= 0.5 > above
    everything = of_boxes(ranked, "sensitivity=1.0")
    assert (ranked.score >= everything).all()  # not reached: as many as there are


def test_rules_without_a_meaning_for_boxes_are_refused() -> None:
    ranked = tallied(truth()).tally.ranked(0)
    with pytest.raises(ConfigError, match="no rule for the threshold of boxes"):
        of_boxes(ranked, "specificity=0.9")
    nothing = replace(ranked, hit=np.zeros_like(ranked.hit))
    assert of_boxes(nothing, "f1") == 1.0


def test_an_answer_without_thresholds_is_refused() -> None:
    target = truth()
    with pytest.raises(DataError, match="no threshold is given for model/RBC, model/WBC"):
        settings = config.convert({"bootstrap": 0}, config.Evaluate, "evaluate")
        evaluate("detect", cohort(target), {"model": tallied(target)}, settings, {}, part="test", split="", seed=0)
