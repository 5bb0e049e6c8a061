"""Pictures judged by what was counted of each: intervals, means over names, thresholds, and the way through a table."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.evaluate import segmentation, tallies
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.threshold import choose_all
from sequela.metrics import surfaces
from sequela.metrics.table import METRICS
from sequela.types import Answer, Array, Cohort, Painted, Space, Target

ROWS = 7
SPACING = np.diag([3.0, 0.5, 0.5, 1.0])


@dataclass(frozen=True)
class Held:
    """Masks in memory."""

    each: tuple[Array, ...]
    affine: Array | None = None
    instances: bool = False

    def __len__(self) -> int:
        return len(self.each)

    def take(self, rows: Array) -> Held:
        return replace(self, each=tuple(self.each[i] for i in rows))

    def whole(self, row: int) -> Array:
        return self.each[row]

    def space(self, row: int) -> Space | None:
        return None if self.affine is None else Space(self.affine)


def made(names: int, *, volumes: bool = False, seed: int = 0) -> tuple[Answer, Target]:
    """Blocks of classes, and an answer that is right of most points; the fourth picture was marked by nobody."""
    random = np.random.default_rng(seed)
    size = (4, 12, 10) if volumes else (18, 15)
    truth = [np.kron(random.integers(0, names + 1, [n // 2 for n in size]), np.ones([2] * len(size))) for _ in range(ROWS)]
    held = [np.pad(one, [(0, n - m) for n, m in zip(size, one.shape, strict=True)]).astype(np.int32) for one in truth]
    painted = []
    for one in held:
        chance = np.stack([np.where(one == k, 170, 60) for k in range(1, names + 1)]) + random.integers(-60, 60, (names, *size))
        label = np.argmax(np.concatenate([np.full((1, *size), 127), chance]), 0).astype(np.uint8)
        painted.append(Painted(label, np.clip(chance, 0, 255).astype(np.uint8)))
    named = tuple("abc"[:names])
    known = np.arange(ROWS)[:, None] != 3
    target = Target(np.zeros((ROWS, 1)), known, named, Held(tuple(held), SPACING if volumes else None))
    values = np.array([[layer.mean() / 255 for layer in one.chance] for one in painted])
    return Answer("masks", values, named, painted=tuple(painted)), target


def cohort(target: Target) -> Cohort:
    number = np.arange(ROWS)
    never = np.full(ROWS, np.datetime64("NaT"), "datetime64[us]")
    names = number.astype(str)
    group = {"kind": np.where(number < 3, "grey", "colour")}
    return Cohort(number // 2, names, names, never, never, np.full(ROWS, "test"), target, group)


def judged(answers: dict[str, Answer], target: Target, **settings: object):
    """The numbers of everybody by (model, metric, class)."""
    options = config.Evaluate(bootstrap=40, **settings)
    told = {name: tallies.tallied("segment", answer, target, options.tolerance) for name, answer in answers.items()}
    cuts = choose_all("segment", told, target, options.threshold)
    found = evaluate("segment", cohort(target), told, options, cuts, part="test", split="", seed=0)
    return {(m.model, m.metric, m.class_): m for m in found.metrics if not m.group and not m.against}, found, cuts


def dices(answer: Answer, target: Target, k: int) -> list[float]:
    """Dice of each marked picture, by hand."""
    found = []
    for row in np.flatnonzero(target.known[:, 0]):
        said, true = answer.painted[row].label == k, target.dense.whole(row) == k
        found.append(2 * (said & true).sum() / (said.sum() + true.sum()))
    return found


def test_each_name_and_their_mean_are_told_with_intervals() -> None:
    answer, target = made(2)
    found, whole, cuts = judged({"model": answer, "baseline:none": replace(answer, painted=(None,) * ROWS)}, target)
    assert not cuts
    for k, name in enumerate("ab", 1):
        assert found["model", "dice", name].value == pytest.approx(np.mean(dices(answer, target, k)))
    mean = found["model", "dice", ""]
    assert mean.value == pytest.approx(np.mean([found["model", "dice", name].value for name in "ab"]))
    assert mean.low < mean.value < mean.high and mean.n == 6
    right = [(answer.painted[r].label == target.dense.whole(r)).mean() for r in range(ROWS) if r != 3]
    assert found["model", "accuracy", ""].value == pytest.approx(np.mean(right))
    assert found["baseline:none", "dice", ""].value == 0
    assert "undefined in every picture" in found["baseline:none", "hd95", "a"].reason
    compared = [
        m for m in whole.metrics if m.against == "baseline:none" and m.metric == "dice" and m.class_ == "" and not m.group
    ]
    assert compared[0].value == pytest.approx(mean.value)
    assert all(m.metric in METRICS and "segment" in METRICS[m.metric].kinds for m in whole.metrics)


def test_groups_of_pictures_are_judged_apart() -> None:
    answer, target = made(1)
    _, found, _ = judged({"model": answer}, target, min_group=1)
    groups = {m.group: m for m in found.metrics if m.metric == "dice"}
    assert groups["kind=grey"].n == 3 and groups["kind=colour"].n == 3 and groups[""].n == 6


def test_the_threshold_of_one_name_is_that_of_the_best_f1_over_all_points() -> None:
    answer, target = made(1)
    low = replace(answer, painted=tuple(Painted(one.label, one.chance // 4) for one in answer.painted))
    found, _, cuts = judged({"model": low}, target)
    assert cuts["model"] < 0.25
    level = segmentation.level(cuts["model"])
    marked = [row for row in range(ROWS) if row != 3]
    said = np.stack([low.painted[row].chance[0] >= level for row in marked])
    true = np.stack([target.dense.whole(row) == 1 for row in marked])
    f1 = 2 * (said & true).sum() / (said.sum() + true.sum())
    assert found["model", "f1", ""].value == pytest.approx(f1)
    assert found["model", "f1", ""].threshold == cuts["model"]
    each = [2 * (s & t).sum() / (s.sum() + t.sum()) for s, t in zip(said, true, strict=True)]
    assert found["model", "dice", ""].value == pytest.approx(np.mean(each))
    for other in range(1, 256, 7):
        said = np.stack([low.painted[row].chance[0] >= other for row in marked])
        assert 2 * (said & true).sum() / (said.sum() + true.sum()) <= f1 + 1e-12


def test_one_half_says_what_the_label_says() -> None:
    answer, target = made(1)
    exact = replace(answer, painted=tuple(Painted((one.chance[0] >= 128).astype(np.uint8), one.chance) for one in answer.painted))
    tally = tallies.tallied("segment", exact, target, 1.0).tally
    from sequela.metrics.segmentation import points_at

    np.testing.assert_array_equal(points_at(tally.chance[:, 0], segmentation.level(0.5)), tally.points[:, 0])
    found, _, cuts = judged({"model": exact}, target, threshold=0.5)
    assert cuts == {"model": 0.5}
    assert found["model", "dice", ""].value == pytest.approx(np.mean(dices(exact, target, 1)))


def test_volumes_are_measured_in_millimetres_and_millilitres() -> None:
    answer, target = made(1, volumes=True)
    found, _, _ = judged({"model": answer}, target, threshold=0.5)
    tally = tallies.tallied("segment", answer, target, 1.0).tally
    assert tally.millilitres[0] == pytest.approx(3 * 0.5 * 0.5 / 1000)
    masks = [(answer.painted[r].label == 1, target.dense.whole(r) == 1) for r in range(ROWS) if r != 3]
    assert found["model", "hd95", ""].value == pytest.approx(np.mean([surfaces.hausdorff95(*m, (3, 0.5, 0.5)) for m in masks]))
    assert found["model", "nsd", ""].value == pytest.approx(np.mean([surfaces.within(*m, (3, 0.5, 0.5), 1.0) for m in masks]))
    near, _, _ = judged({"model": answer}, target, threshold=0.5, tolerance=0.5)
    within = [surfaces.within(*m, (3, 0.5, 0.5), 0.5) for m in masks]
    assert near["model", "nsd", ""].value == pytest.approx(np.mean(within)) and np.mean(within) < found["model", "nsd", ""].value
    assert ("model", "volume_error_ml", "") in found
    assert ("model", "volume_error_ml", "") not in judged({"model": made(1)[0]}, made(1)[1])[0]


def test_points_that_nobody_knows_count_for_nothing() -> None:
    answer, target = made(1)
    hidden = tuple(np.where(np.arange(15) < 6, -1, one) for one in target.dense.each)
    cut = replace(target, dense=Held(tuple(one[:, 6:] for one in target.dense.each)))
    part = tuple(Painted(one.label[:, 6:], one.chance[:, :, 6:]) for one in answer.painted)
    left = tallies.tallied("segment", answer, replace(target, dense=Held(hidden)), 1.0).tally
    right = tallies.tallied("segment", replace(answer, painted=part), cut, 1.0).tally
    for name in ("points", "chance", "right", "lesions"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


def test_instances_are_matched_and_judged_without_a_threshold() -> None:
    truth = np.zeros((10, 10), np.int32)
    truth[1:4, 1:4], truth[6:9, 6:9] = 5, 9
    said = np.zeros((10, 10), np.uint16)
    said[1:4, 1:4], said[0, 8] = 1, 2
    target = Target(np.zeros((ROWS, 1)), np.full((ROWS, 1), True), ("nucleus",), Held((truth,) * ROWS, instances=True))
    painted = (Painted(said, np.where(said > 0, 200, 0).astype(np.uint8)[None]),) * ROWS
    answer = Answer("masks", np.full((ROWS, 1), 0.1), ("nucleus",), painted=painted)
    found, _, cuts = judged({"model": answer}, target)
    assert not cuts
    assert found["model", "instance_f1", ""].value == pytest.approx(2 / 4)
    assert found["model", "dice", ""].value == pytest.approx(2 * 9 / (18 + 10))
    assert ("model", "lesion_sensitivity", "") not in found


@pytest.mark.parametrize("names", [1, 3])
def test_a_tally_comes_back_from_its_columns(names: int) -> None:
    answer, target = made(names, volumes=names == 3)
    told = tallies.tallied("segment", answer, target, 1.0)
    frame = pl.DataFrame(tallies.columns("segment", told))
    again = tallies.restored("segment", frame, replace(told, tally=None)).tally
    for name in ("points", "chance", "right", "millilitres", "surface", "lesions", "instances"):
        np.testing.assert_array_equal(getattr(again, name), getattr(told.tally, name))
    order = np.array([5, 0, 0])
    np.testing.assert_array_equal(told.take(order).tally.points, told.tally.points[order])


def test_an_answer_of_another_size_and_a_rule_of_ranks_are_refused() -> None:
    answer, target = made(1)
    small = replace(answer, painted=tuple(Painted(one.label[1:], one.chance[:, 1:]) for one in answer.painted))
    with pytest.raises(DataError, match=r"of row 0 is \(17, 15\), its mask \(18, 15\)"):
        tallies.tallied("segment", small, target, 1.0)
    with pytest.raises(ConfigError, match="no rule for the threshold of points"):
        judged({"model": answer}, target, threshold="sensitivity=0.9")
    with pytest.raises(ConfigError, match="between 0 and 1"):
        judged({"model": answer}, target, threshold=1.5)
