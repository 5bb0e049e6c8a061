"""Baselines that are asked of every point: thresholds, filters and a second observer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sequela.baselines import _defaults, _filters, observer, otsu, pixel_forest
from sequela.contracts import Evidence
from sequela.errors import ConfigError, DataError
from sequela.modalities._pictures import Pictures, Recipe
from sequela.types import Array, Payload, Plain, Ragged, Spec, Target


def shown(pictures: Array) -> Pictures:
    """Pictures uint8 "M C *S" in memory, as they are."""
    channels = pictures.shape[1]
    return Pictures([Payload(one) for one in pictures], Recipe(channels, (0.0,) * channels, (1.0,) * channels))


@dataclass(frozen=True)
class Held:
    """Masks in memory."""

    masks: Array
    instances: bool = False

    def __len__(self) -> int:
        return len(self.masks)

    def take(self, rows: Array) -> Held:
        return replace(self, masks=self.masks[rows])

    def whole(self, row: int) -> Array:
        return self.masks[row]

    def space(self, row: int) -> None:
        return None


def evidence(pictures: Array, masks: Array, *, instances: bool = False, names: tuple[str, ...] = ("cell",)) -> Evidence:
    rows = len(masks)
    target = Target(np.zeros((rows, 1)), np.full((rows, 1), True), names, Held(masks.astype(np.int32), instances))
    inputs = {"picture": Ragged(np.arange(rows + 1), shown(pictures), np.zeros(rows), take=np.arange(rows))}
    specs = {"picture": Spec("image", pictures.shape[1:], "days", single=True)}
    row_id = np.arange(rows).astype(str)
    return Evidence(inputs, specs, Plain(np.zeros((rows, 0), np.float32), ()), target, np.arange(rows), row_id)


def things(rows: int = 4, seed: int = 0, size: tuple[int, ...] = (24, 30)) -> tuple[Array, Array]:
    """Smooth shapes of two classes and pictures in which the second channel shows the first class dark, with noise."""
    random = np.random.default_rng(seed)
    smooth = np.stack([ndimage.gaussian_filter(random.normal(size=size), 2.5) for _ in range(rows)])
    masks = np.digitize(smooth / smooth.std(), [0.8, 1.6])
    dark = 160 - 60 * (masks > 0) + random.normal(0, 12, masks.shape)
    other = 90 + 50 * (masks == 2) + random.normal(0, 12, masks.shape)
    noise = random.normal(128, 30, masks.shape)
    return np.clip(np.stack([noise, dark, other], 1), 0, 255).astype(np.uint8), masks


# --------------------------------------------------------------------------------------------------------------------- otsu


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), levels=st.sampled_from([2, 5, 256]))
def test_the_threshold_leaves_the_least_spread_within_both_groups(seed: int, levels: int) -> None:
    values = np.random.default_rng(seed).integers(0, levels, 60)
    if len(np.unique(values)) < 2:
        return

    def within(cut: int) -> float:
        low, high = values[values <= cut], values[values > cut]
        return len(low) * low.var() + len(high) * high.var()

    cut = otsu.threshold(np.bincount(values, minlength=256))
    assert within(cut) <= min(within(c) for c in range(values.min(), values.max())) + 1e-6


def test_tune_chooses_channel_and_side() -> None:
    pictures, masks = things()
    rows = evidence(pictures, np.minimum(masks, 1))
    baseline = otsu.build(otsu.Config())
    baseline.fit(rows, rows, "segment", 0)
    chosen = baseline.chosen["points"]["chosen"]
    assert (chosen["channel"], chosen["above"]) == (1, False)
    said = baseline.answer(rows).painted
    assert np.mean([(one.label == mask).mean() for one, mask in zip(said, np.minimum(masks, 1), strict=True)]) > 0.9
    for one in said:
        np.testing.assert_array_equal(one.label, one.chance[0] >= 128)


def test_thin_things_on_uneven_ground_are_found_beyond_the_mean_around_them() -> None:
    ground = np.broadcast_to(np.linspace(20, 220, 64), (64, 64))
    masks = np.zeros((2, 64, 64), int)
    masks[:, ::9] = 1
    pictures = np.clip(ground + 25 * masks, 0, 255).astype(np.uint8)[:, None]
    rows = evidence(pictures, masks)
    baseline = otsu.build(otsu.Config())
    baseline.fit(rows, rows, "segment", 0)
    assert baseline.chosen["points"]["chosen"]["around"] > 0
    assert (baseline.answer(rows).painted[0].label == masks[0]).mean() > 0.97


def test_things_of_one_kind_are_connected_pieces() -> None:
    masks = np.zeros((2, 12, 12), int)
    masks[:, 1:4, 1:4], masks[:, 7:10, 6:11] = 4, 9
    pictures = np.where(masks > 0, 200, 40).astype(np.uint8)[:, None]
    rows = evidence(pictures, masks, instances=True)
    baseline = otsu.build(otsu.Config(around=(0.0,)))
    baseline.fit(rows, rows, "segment", 0)
    label = baseline.answer(rows).painted[0].label
    assert label.max() == 2 and label[2, 2] != label[8, 8]
    np.testing.assert_array_equal(label > 0, masks[0] > 0)


def test_several_names_are_too_much_for_a_threshold() -> None:
    pictures, masks = things()
    rows = evidence(pictures, masks, names=("a", "b"))
    with pytest.raises(DataError, match="one name, and 2"):
        otsu.build(otsu.Config()).fit(rows, rows, "segment", 0)


def test_inputs_without_pictures_are_refused() -> None:
    pictures, masks = things()
    rows = evidence(pictures, np.minimum(masks, 1))
    bare = replace(rows, inputs={"picture": replace(rows.inputs["picture"], values=pictures)})
    with pytest.raises(ConfigError, match=r"inputs\.picture gives no pictures"):
        otsu.build(otsu.Config()).fit(bare, bare, "segment", 0)


# ------------------------------------------------------------------------------------------------------------------- filters


def test_filters_of_a_few_planes_at_a_time_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (2, 60, 5, 6), np.uint8)
    whole = _filters.features(picture, (0.7, 1.5))
    monkeypatch.setattr(_filters, "BLOCK", 5 * 6 * 7)
    planes, found = 0, []
    for first, block in _filters.blocks(picture, (0.7, 1.5)):
        assert first == planes and len(block) <= 7
        planes += len(block)
        found.append(block)
    np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-2)


@pytest.mark.parametrize(("size", "columns"), [((9, 8), 1 + 2 * 5), ((4, 9, 8), 1 + 2 * 6), ((1, 9, 8), 1 + 2 * 6)])
def test_each_scale_gives_mean_gradient_curvatures_and_spread(size: tuple[int, ...], columns: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, *size), np.uint8)
    found = _filters.features(picture, (1.0, 2.0))
    assert found.shape == (*size, columns) and np.isfinite(found).all()


def test_curvatures_of_a_ridge_are_strong_across_it_and_none_along_it() -> None:
    picture = np.zeros((1, 21, 21), np.uint8)
    picture[0, :, 10] = 255
    low, high = np.moveaxis(_filters.features(picture, (1.5,))[10, 10], -1, 0)[3:5]
    assert low < -10 and abs(high) < 1e-3


# -------------------------------------------------------------------------------------------------------------------- forest


@pytest.mark.parametrize("size", [(24, 30), (6, 18, 20)])
def test_a_forest_tells_classes_of_points_apart(size: tuple[int, ...]) -> None:
    train, tune = (evidence(*things(3, seed, size), names=("a", "b")) for seed in (0, 1))
    baseline = pixel_forest.build(pixel_forest.Config(scales=(1.0,), points=3000, trees=10, leaves=(2, 20)))
    baseline.fit(train, tune, "segment", 0)
    said = baseline.answer(tune)
    masks = tune.target.dense.masks
    for k in (1, 2):
        overlaps = [
            2 * ((p.label == k) & (m == k)).sum() / ((p.label == k).sum() + (m == k).sum())
            for p, m in zip(said.painted, masks, strict=True)
        ]
        assert np.mean(overlaps) > 0.6
    np.testing.assert_allclose(said.values.mean(0), [(masks == k).mean() for k in (1, 2)], atol=0.03)


def test_a_class_that_no_training_point_has_is_never_said() -> None:
    pictures, masks = things()
    rows = evidence(pictures, np.minimum(masks, 1), names=("a", "b"))
    baseline = pixel_forest.build(pixel_forest.Config(scales=(1.0,), points=600, trees=4, leaves=(2,)))
    baseline.fit(rows, rows, "segment", 0)
    assert (baseline.answer(rows).values[:, 1] == 0).all()


# ------------------------------------------------------------------------------------------------------------------ observer


def test_the_second_person_says_what_they_marked_and_nothing_where_they_did_not() -> None:
    pictures, masks = things()
    rows = evidence(pictures, masks, names=("a", "b"))
    second = replace(
        rows.target, dense=Held(np.roll(masks, 1, 1).astype(np.int32)), known=np.array([[True], [True], [False], [True]])
    )
    held = replace(rows, marks={"SECOND": second})
    baseline = observer.build(observer.Config())
    baseline.fit(held, held, "segment", 0)
    said = baseline.answer(held)
    assert said.painted[2] is None
    np.testing.assert_array_equal(said.painted[0].label, second.dense.whole(0))
    np.testing.assert_array_equal(said.painted[0].chance[1], 255 * (second.dense.whole(0) == 2))
    assert observer.marks(observer.Config(code="OTHER")) == "OTHER"
    with pytest.raises(DataError, match="'SECOND' were not read"):
        baseline.answer(rows)


def test_segmentations_are_held_against_a_forest_and_a_threshold() -> None:
    assert _defaults.default_for("segment", {}) == ["pixel_forest", "otsu"]
