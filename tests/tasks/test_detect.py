"""Boxes from a map: what is learnt, what is answered, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.nn.centres import Map
from sequela.tasks import detect
from sequela.types import Boxed, Boxes, Encoded, Grid, Seq, Target

NAMES, WIDTH, PICTURE, CELLS = ("RBC", "WBC"), 6, (32, 48), (8, 12)


def marked(*pictures: list[list[float]]) -> Boxes:
    rows = np.array([box for picture in pictures for box in picture], np.float64).reshape(-1, 5)
    offsets = np.cumsum([0, *map(len, pictures)])
    return Boxes(offsets, rows[:, 1:].astype(np.float32), rows[:, 0].astype(np.int64))


def target(boxes: Boxes, known: list[bool] | None = None) -> Target:
    rows = len(boxes)
    return Target(np.zeros((rows, 1)), np.array(known or [True] * rows)[:, None], NAMES, boxes)


TWO = marked([[0, 2, 4, 14, 20], [1, 16, 24, 32, 48]], [[0, 0, 0, 8, 8]])


def dense(*pictures: list[list[float]], known: list[bool] | None = None) -> Target:
    most = max(map(len, pictures))
    rows = [[*picture, *[[-1.0, 0, 0, 0, 0]] * (most - len(picture))] for picture in pictures]
    labelled = torch.tensor(known or [True] * len(pictures))[:, None]
    return Target(
        torch.zeros(len(pictures), 1), labelled, NAMES, torch.tensor(rows, dtype=torch.float32).reshape(len(pictures), most, 5)
    )


def task(**options: Any) -> detect.Detect:
    return detect.build(convert(options, detect.Config, "task"), NAMES)


def encoded(rows: int = 2, seed: int = 0) -> Encoded:
    random = torch.Generator().manual_seed(seed)
    mask = torch.ones(rows, 1, dtype=torch.bool)
    seq = Seq(torch.randn(rows, 1, 3, *PICTURE, generator=random), mask, torch.zeros(rows, 1))
    return Encoded(torch.randn(rows, 1, WIDTH, *CELLS, generator=random), mask, None, seq)


def said(heat: Tensor, corners: Tensor) -> Map:
    return Map(heat[None], corners[None], torch.tensor([True]), PICTURE)


def started(one: detect.Detect) -> nn.Module:
    torch.manual_seed(0)
    head = one.head(WIDTH)
    one.start(head, target(TWO))
    return head


def test_a_head_learns_the_boxes_of_two_pictures_and_answers_them() -> None:
    one = task(width=16)
    head, rows = started(one), encoded()
    wanted = dense([[0, 2, 4, 14, 20], [1, 16, 24, 32, 48]], [[0, 0, 0, 8, 8]])
    optimizer = torch.optim.Adam(head.parameters(), 0.02)
    for _ in range(120):
        optimizer.zero_grad()
        one.loss(head(rows), wanted).sum().backward()
        optimizer.step()
    for row, (found, truth) in enumerate(zip(one.answer(head(rows)).boxed, wanted.dense, strict=True)):
        assert found is not None
        sure = found.score > 0.5
        real = truth[truth[:, 0] >= 0].numpy()
        assert sorted(found.label[sure]) == sorted(real[:, 0]), row
        order = [int(np.flatnonzero(found.label[sure] == label)[0]) for label in real[:, 0]]
        assert np.abs(found.corners[sure][order] - real[:, 1:]).max() < 1.5


def test_a_fresh_head_expects_few_boxes_and_more_of_the_commoner_class() -> None:
    out = started(task())(encoded())
    rate = out.heat.sigmoid().mean((0, 2, 3))
    torch.testing.assert_close(rate, torch.tensor([0.01 * 2.5 / 4, 0.01 * 1.5 / 4]))
    assert all(one is not None and not len(one.score) for one in task().answer(out).boxed)


def test_pictures_nobody_marked_and_rows_without_a_picture_add_no_loss_and_no_gradient() -> None:
    one, rows = task(), encoded(3)
    mask = torch.tensor([[True], [True], [False]])
    rows = Encoded(rows.steps, mask, None, rows.seq)
    out = started(one)(rows)
    out.heat.retain_grad()
    out.corners.retain_grad()
    loss = one.loss(out, dense([], [[0, 2, 4, 14, 20]], [[1, 2, 4, 14, 20]], known=[False, True, True]))
    loss.sum().backward()
    assert loss[[0, 2]].tolist() == [0, 0] and loss[1] > 0
    for gradient in (out.heat.grad, out.corners.grad):
        assert not gradient[[0, 2]].any() and gradient[1].any()


def test_a_picture_without_boxes_that_somebody_marked_teaches_that_there_are_none() -> None:
    one = task()
    out = started(one)(encoded(1))
    assert one.loss(out, dense([]))[0] > 0


def test_the_answer_sums_the_scores_of_each_class() -> None:
    heat, corners = torch.full((2, *CELLS), -20.0), torch.zeros(4, *CELLS)
    for k, row, column, logit in ((0, 1, 1, 1.0), (0, 6, 9, 0.0), (1, 3, 3, -1.0)):
        heat[k, row, column] = logit
        corners[:, row, column] = torch.tensor([row * 4 - 4.0, column * 4 - 4, row * 4 + 4, column * 4 + 4])
    answer = task().answer(said(heat, corners))
    (found,) = answer.boxed
    assert found is not None and found.label.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.score, 1 / (1 + np.exp([-1.0, 0, 1])))
    np.testing.assert_allclose(answer.values, [[found.score[:2].sum(), found.score[2]]])
    np.testing.assert_array_equal(found.corners[1], [20, 32, 28, 40])
    assert (answer.kind, found.corners.dtype, found.label.dtype, found.score.dtype) == ("boxes", np.float32, np.int64, np.float64)


def test_boxes_that_overlap_are_told_once_and_of_two_classes_twice() -> None:
    heat, corners = torch.full((2, *CELLS), -20.0), torch.zeros(4, *CELLS)
    heat[0, 2, 2], heat[0, 2, 5], heat[1, 6, 6] = 2.0, 1.0, 0.5
    corners[:] = torch.tensor([4.0, 4, 20, 28])[:, None, None]
    (found,) = task().answer(said(heat, corners)).boxed
    assert found is not None and found.label.tolist() == [0, 1]
    (soft,) = task(soft=0.5).answer(said(heat, corners)).boxed
    assert soft is not None and soft.label.tolist() == [0, 1, 0]
    np.testing.assert_allclose(soft.score[2], torch.tensor(1.0).sigmoid() * np.exp(-2))


@pytest.mark.parametrize(("options", "count"), [({"most": 3}, 3), ({"floor": 0.6}, 2), ({}, 4)])
def test_the_surest_boxes_above_the_floor_are_kept(options: dict[str, Any], count: int) -> None:
    heat, corners = torch.full((2, *CELLS), -20.0), torch.zeros(4, *CELLS)
    for i, logit in enumerate((2.0, 1.0, 0.1, -0.1)):
        heat[0, 2 * i, 0] = logit
        corners[:, 2 * i, 0] = torch.tensor([8.0 * i, 0, 8 * i + 8, 8])
    (found,) = task(**options).answer(said(heat, corners)).boxed
    assert found is not None and len(found.score) == count
    assert (np.diff(found.score) <= 0).all()


def test_boxes_end_where_the_picture_does() -> None:
    heat, corners = torch.full((2, *CELLS), -20.0), torch.zeros(4, *CELLS)
    heat[0, 0, 0], heat[1, 7, 11] = 2.0, 2.0
    corners[:, 0, 0], corners[:, 7, 11] = torch.tensor([-9.0, -3, 6, 7]), torch.tensor([40.0, 50, 60, 70])
    (found,) = task().answer(said(heat, corners)).boxed
    assert found is not None and found.corners.tolist() == [[0, 0, 6, 7]]  # the other lies outside


def test_a_row_without_a_picture_has_no_boxes_and_counts_nothing() -> None:
    rows = encoded(2)
    out = started(task())(Encoded(rows.steps, torch.tensor([[True], [False]]), None, rows.seq))
    answer = task().answer(out)
    assert answer.boxed[0] is not None and answer.boxed[1] is None
    assert answer.values[1].tolist() == [0, 0]


def test_boxes_are_settled_on_the_stored_picture() -> None:
    grid = Grid(stored=(64, 100), size=(32, 48), scale=(0.5, 0.5), offset=(0.0, -1.0))
    boxed = Boxed(np.array([[2.0, 3, 10, 20], [0, 0, 32, 60]], np.float32), np.array([0, 1]), np.array([0.9, 0.5]))
    settled = task().settled(boxed, grid)
    assert settled.corners.tolist() == [[4, 8, 20, 42], [0, 2, 64, 100]]
    assert settled.corners.dtype == np.float32 and settled.label is boxed.label


def test_a_map_of_any_stride_says_boxes_in_pixels_of_the_picture() -> None:
    head = started(task())
    fine, coarse = encoded(1), encoded(1)
    coarse = Encoded(coarse.steps[..., ::2, ::2], coarse.mask, None, coarse.seq)
    sides = [(out.corners[:, 2:] - out.corners[:, :2]).mean() for out in (head(fine), head(coarse))]
    torch.testing.assert_close(sides[1], 2 * sides[0])
    torch.testing.assert_close(sides[0], torch.tensor(2 * detect.STRIDES * 4))


def test_labels_that_cannot_be_learnt_are_refused() -> None:
    one = task()
    one.check(target(TWO))
    with pytest.raises(DataError, match="none of 2 training pictures has a label"):
        one.check(target(TWO, [False, False]))
    with pytest.raises(DataError, match="no box of 'WBC' is on any of 1"):
        one.check(target(TWO, [False, True]))
    with pytest.raises(DataError, match="1 of 3 boxes have no area"):
        one.check(target(marked([[0, 2, 4, 14, 20], [1, 1, 1, 4, 4], [1, 5, 9, 5, 12]])))
    with pytest.raises(DataError, match="1 of 2 boxes have a label that is none of 2 classes"):
        one.check(target(marked([[0, 2, 4, 14, 20], [2, 1, 1, 4, 4]])))


def test_there_is_nothing_to_balance() -> None:
    with pytest.raises(ConfigError, match="pictures have none"):
        task().balance(target(TWO))


def test_a_head_refuses_what_is_no_map() -> None:
    rows = encoded()
    with pytest.raises(ValueError, match="needs the map"):
        started(task())(Encoded(rows.steps[..., 0], rows.mask, None, rows.seq))


def test_where_no_picture_has_a_box_the_sums_are_still_numbers_with_a_fraction() -> None:
    none = Boxed(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0))
    sums = detect.summed((none, none), 3)
    assert sums.dtype == np.float64 and sums.shape == (2, 3) and not sums.any()
