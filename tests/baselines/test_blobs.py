"""Boxes around blobs, on pictures of discs of two sizes and colours."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.baselines import _blobs, blobs
from sequela.config import convert
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.evaluate.detection import tally
from sequela.metrics import detection
from sequela.modalities._pictures import Pictures, Recipe
from sequela.types import Array, Boxes, Payload, Plain, Ragged, Target

NAMES, SIDE = ("large", "small"), 72
QUICK = {"points": 60, "rounds": 20}


def shown(pictures: Array) -> Pictures:
    """Pictures uint8 "M C *S" in memory, as they are."""
    channels = pictures.shape[1]
    return Pictures([Payload(one) for one in pictures], Recipe(channels, (0.0,) * channels, (1.0,) * channels))


def discs(rows: int, seed: int) -> Evidence:
    """Two large discs that touch, and a small one of another colour, on noise."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[:SIDE, :SIDE] + 0.5
    pictures, corners = [], []
    for _ in range(rows):
        y, x = random.integers(14, 34), random.integers(14, 22)
        sy, sx = random.integers(52, 66), random.integers(8, 60)
        picture = np.full((3, SIDE, SIDE), 200.0)
        for cy, cx, radius, colour in ((y, x, 10, (200, 90, 90)), (y, x + 19, 10, (200, 90, 90)), (sy, sx, 4, (90, 60, 160))):
            picture[:, (down - cy) ** 2 + (across - cx) ** 2 <= radius**2] = np.array(colour)[:, None]
            corners.append([cy - radius, cx - radius, cy + radius, cx + radius])
        pictures.append(np.clip(picture + random.normal(0, 8, picture.shape), 0, 255).astype(np.uint8))
    boxes = Boxes(np.arange(rows + 1) * 3, np.array(corners, np.float32), np.tile([0, 0, 1], rows))
    target = Target(np.zeros((rows, 1)), np.full((rows, 1), True), NAMES, boxes)
    ragged = Ragged(np.arange(rows + 1), shown(np.stack(pictures)), np.zeros(rows))
    nothing = Plain(np.zeros((rows, 0), np.float32), ())
    return Evidence({"smear": ragged}, {}, nothing, target, np.arange(rows), np.arange(rows).astype(str))


@pytest.fixture(scope="module")
def fitted() -> blobs.Blobs:
    made = blobs.build(convert(QUICK, blobs.Config, "blobs"))
    made.fit(discs(20, 0), discs(6, 1), "detect", 0)
    return made


def test_discs_that_touch_are_told_apart_and_boxed(fitted: blobs.Blobs) -> None:
    rows = discs(8, 2)
    found = tally(fitted.answer(rows), rows.target)
    for column in range(2):
        assert detection.ap50(found.ranked(column)) > 0.9


def test_boxes_are_inside_of_half_a_pixel_where_training_boxes_were(fitted: blobs.Blobs) -> None:
    rows = discs(8, 2)
    for row, boxed in enumerate(fitted.answer(rows).boxed):
        assert boxed is not None and (np.diff(boxed.score) <= 0).all()
        corners, label = rows.target.dense.of(row)
        small = boxed.corners[boxed.label == 1][0]
        assert np.abs(small - corners[label == 1][0]).max() <= 1.5


def test_the_distance_with_the_least_loss_on_tune_is_chosen(fitted: blobs.Blobs) -> None:
    told = fitted.chosen["boxes"]
    least = min(told["tried"], key=lambda one: one["loss"])
    assert told["chosen"] == {"apart": least["apart"]}
    assert [one["apart"] for one in told["tried"]] == [0.4, 0.6]


def test_pictures_larger_than_asked_for_are_looked_at_smaller_and_boxed_as_stored() -> None:
    picture = np.arange(3 * 10 * 21, dtype=np.uint8).reshape(3, 10, 21)
    values, step = _blobs.small(picture, 10)
    assert step == 3 and values.shape == (3, 3, 7)
    np.testing.assert_allclose(values[0, 0, 0], picture[0, :3, :3].mean())


def test_of_boxes_that_cover_one_another_the_smallest_is_painted_last() -> None:
    found = _blobs.painted(np.array([[2.0, 2, 6, 6], [0, 0, 8, 8]]), np.array([1, 0]), (8, 8), 2)
    assert found[4, 4] == 1 and found[1, 4] == 0 and found[0, 0] == 2


def test_a_training_part_without_boxes_is_refused() -> None:
    rows = discs(3, 0)
    none = Target(rows.target.values, rows.target.known, NAMES, Boxes(np.zeros(4, np.int64), np.zeros((0, 4)), np.zeros(0, int)))
    with pytest.raises(DataError, match="known in no row of train"):
        blobs.build(blobs.Config()).fit(Evidence(rows.inputs, {}, rows.plain, none, rows.subject, rows.row_id), rows, "detect", 0)
