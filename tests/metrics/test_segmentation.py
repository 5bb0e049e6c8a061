"""Masks against masks: the numbers of MONAI, weights as resamples, and what is undefined."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.metrics import average_precision_score, roc_auc_score

from sequela.metrics import components, segmentation, surfaces
from sequela.types import Array

GOLDEN = Path(__file__).parents[1] / "golden" / "segmentation.py"
SPEC = importlib.util.spec_from_file_location("golden_segmentation", GOLDEN)
assert SPEC is not None and SPEC.loader is not None
golden = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(golden)
SAID = json.loads(GOLDEN.with_suffix(".json").read_text())["cases"]

MASKS = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).random((2, 7, 9)) < 0.3)


def points(said: Array, true: Array) -> Array:
    return np.array([[(said & true).sum(), (said & ~true).sum(), (~said & true).sum(), (~said & ~true).sum()]])


@pytest.mark.parametrize("name", list(SAID))
def test_masks_have_the_numbers_that_monai_gives_them(name: str) -> None:
    said, true = golden.masks(name)
    _, spacing, tolerance = golden.CASES[name]
    assert float(segmentation.dice(points(said, true))) == pytest.approx(SAID[name]["dice"], rel=1e-6)
    assert float(segmentation.iou(points(said, true))) == pytest.approx(SAID[name]["iou"], rel=1e-6)
    assert surfaces.hausdorff95(said, true, spacing) == pytest.approx(SAID[name]["hd95"], rel=1e-6)
    assert surfaces.within(said, true, spacing, tolerance) == pytest.approx(SAID[name]["nsd"], rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(masks=MASKS, spacing=st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)))
def test_surface_distances_are_those_of_every_pair_of_border_points(masks: Array, spacing: tuple[float, float]) -> None:
    said, true = masks
    if not said.any() or not true.any():
        return
    edges = []
    for mask in masks:
        padded = np.pad(mask, 1)
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        edges.append(np.argwhere(mask & ~inner) * np.array(spacing))
    away = cdist(*edges)
    for found, expected in zip(surfaces.distances(said, true, spacing), (away.min(1), away.min(0)), strict=True):
        np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(masks=MASKS)
def test_surfaces_of_one_mask_touch_and_either_may_come_first(masks: Array) -> None:
    said, true = masks
    one, other = surfaces.both(said, true, (1.0, 2.0), 1.0), surfaces.both(true, said, (1.0, 2.0), 1.0)
    np.testing.assert_allclose(one, other)
    if said.any():
        assert surfaces.both(said, said, (1.0, 2.0), 0.0) == (0.0, 1.0)


def test_empty_masks_are_undefined_or_nothing() -> None:
    full, empty = np.ones((3, 3), bool), np.zeros((3, 3), bool)
    assert np.isnan(surfaces.hausdorff95(full, empty, (1, 1))) and np.isnan(surfaces.hausdorff95(empty, empty, (1, 1)))
    assert surfaces.within(full, empty, (1, 1), 1.0) == 0 and np.isnan(surfaces.within(empty, empty, (1, 1), 1.0))
    assert np.isnan(segmentation.dice(points(empty, empty))) and segmentation.dice(points(full, empty)) == 0
    assert np.isnan(segmentation.volume_error(points(full, empty)))
    assert np.isnan(segmentation.pooled_auroc(np.zeros((2, 2, 256)))) and np.isnan(
        segmentation.pooled_auprc(np.zeros((2, 2, 256)))
    )


def test_volumes_are_compared_picture_by_picture() -> None:
    each = np.array([[3, 1, 3, 0], [0, 4, 0, 6], [5, 5, 0, 0]])
    assert float(segmentation.volume_error(each)) == pytest.approx((2 / 6 + 5 / 5) / 2)
    assert float(segmentation.volume_error_ml(each, np.array([0.5, 1.0, np.nan]))) == pytest.approx((1 + 4) / 2)


# --------------------------------------------------------------------------------------------------------------- probabilities


def histogram(chance: Array, true: Array) -> Array:
    return np.stack([np.bincount(chance[true], minlength=256), np.bincount(chance[~true], minlength=256)])[None]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), levels=st.sampled_from([2, 5, 256]))
def test_ranks_of_points_are_those_of_scikit_learn(seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    chance, true = random.integers(0, levels, 80), random.random(80) < 0.3
    if true.any() and not true.all():
        counted = histogram(chance, true)
        assert float(segmentation.pooled_auroc(counted)) == pytest.approx(roc_auc_score(true, chance))
        assert float(segmentation.pooled_auprc(counted)) == pytest.approx(average_precision_score(true, chance))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999))
def test_the_best_level_has_the_highest_f1_of_all_and_is_the_highest_such(seed: int) -> None:
    random = np.random.default_rng(seed)
    chance, true = random.integers(0, 256, 60), random.random(60) < 0.3
    counted = histogram(chance, true)
    each = [float(np.nan_to_num(segmentation.pooled(segmentation.points_at(counted, level), "f1"))) for level in range(256)]
    level = segmentation.best_level(counted)
    assert each[level] == pytest.approx(max(each[1:]))
    assert all(one < each[level] - 1e-12 for one in each[level + 1 :]) or level == 255


def test_points_are_counted_from_their_probabilities() -> None:
    random = np.random.default_rng(0)
    chance, true = random.integers(0, 256, 500), random.random(500) < 0.4
    at = segmentation.points_at(histogram(chance, true), 100)
    np.testing.assert_array_equal(at, points(chance >= 100, true))
    for metric, expected in (
        ("sensitivity", (chance[true] >= 100).mean()),
        ("specificity", (chance[~true] < 100).mean()),
        ("ppv", true[chance >= 100].mean()),
        ("accuracy", ((chance >= 100) == true).mean()),
    ):
        assert float(segmentation.pooled(at, metric)) == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99))
def test_a_picture_that_weighs_twice_is_a_picture_more(seed: int) -> None:
    random = np.random.default_rng(seed)
    counts, chance = random.integers(0, 9, (4, 4)), random.integers(0, 9, (4, 2, 256))
    lesions, instances = random.integers(0, 9, (4, 3)), random.integers(1, 9, (4, 12))
    weights = random.integers(0, 3, (5, 4)).astype(float)
    weights[:, 0] += 1
    for function, of in (
        (segmentation.dice, counts),
        (segmentation.iou, counts),
        (segmentation.volume_error, counts),
        (lambda of, w=None: segmentation.pooled(of, "f1", w), counts),
        (segmentation.pooled_auroc, chance),
        (segmentation.pooled_auprc, chance),
        (segmentation.lesion_sensitivity, lesions),
        (segmentation.false_lesions, lesions),
        (segmentation.instance_f1, instances),
        (segmentation.instance_f1_strict, instances),
    ):
        repeated = [float(function(np.repeat(of, row.astype(int), 0))) for row in weights]
        np.testing.assert_allclose(function(of, weights), repeated, rtol=1e-12)


# --------------------------------------------------------------------------------------------------------------- single things


def test_a_lesion_is_found_where_any_of_its_points_is_said() -> None:
    true = np.zeros((8, 12), bool)
    true[1:3, 1:3], true[5:7, 1:4], true[3, 3] = True, True, True  # the third touches the first by a corner
    said = np.zeros((8, 12), bool)
    said[3, 3], said[6, 8], said[1:3, 8:10] = True, True, True
    assert components.found(said, true) == (2, 1, 2)
    assert components.found(true, true) == (2, 2, 0)
    assert components.found(np.zeros_like(true), true) == (2, 0, 0)


def test_instances_match_above_a_share_of_their_union() -> None:
    true = np.zeros((1, 20), int)
    true[0, 0:4], true[0, 4:10], true[0, 12:18] = 7, 3, 9
    said = np.zeros((1, 20), int)
    said[0, 0:4], said[0, 5:10], said[0, 15:20] = 1, 2, 3  # IoU 1, 5/6 and 3/8
    assert components.matched(said, true).tolist() == [3, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1]
    half = np.array([[5, 5, 0, 0]])
    assert components.matched(half, np.array([[1, 1, 1, 1]]))[2] == 0  # an IoU of one half is not above it
    assert components.matched(np.zeros_like(true), true).tolist() == [3, *[0] * 11]
    each = np.array([[3, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1], [1, 0, *[0] * 10]])
    assert float(segmentation.instance_f1(each)) == pytest.approx(4 / 7)
    assert float(segmentation.instance_f1_strict(each)) == pytest.approx((7 * 4 / 7 + 3 * 2 / 7) / 10)
