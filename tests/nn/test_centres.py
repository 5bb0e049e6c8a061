"""What a map is to say of boxes, and what boxes a map says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sequela.nn import boxes, centres

PICTURE, CELLS = (32, 48), (8, 12)  # a stride of 4


def dense(*rows: list[float], padding: int = 0) -> Tensor:
    return torch.tensor([[*rows, *[[-1.0, 0, 0, 0, 0]] * padding]], dtype=torch.float32)


def wanted(given: Tensor, classes: int = 2) -> centres.Wanted:
    return centres.wanted(given, classes, CELLS, PICTURE)


def test_the_heat_is_1_in_the_cell_of_each_centre_and_there_alone() -> None:
    aim = wanted(dense([0, 2, 4, 14, 20], [1, 16, 24, 32, 48]))
    assert (aim.heat == 1).nonzero().tolist() == [[0, 0, 2, 3], [0, 1, 6, 9]]
    assert aim.count.tolist() == [2]


def test_the_heat_falls_with_distance_and_more_slowly_along_the_longer_side() -> None:
    heat = wanted(dense([0, 4, 0, 12, 48])).heat[0, 0]
    assert (heat[2, 6:-1] > heat[2, 7:]).all()
    assert heat[2, 8] > heat[4, 6]
    torch.testing.assert_close(heat[2, 8], torch.exp(torch.tensor(-((2 / (12 * centres.SHARE)) ** 2) / 2)))


def test_padding_and_boxes_without_area_ask_for_nothing() -> None:
    one = wanted(dense([1, 2, 4, 14, 20]))
    more = wanted(dense([1, 2, 4, 14, 20], [0, 5, 5, 5, 9], padding=3))
    for name in ("heat", "weight", "count"):
        torch.testing.assert_close(getattr(more, name), getattr(one, name))
    learnt = (one.weight > 0)[:, None].expand_as(one.corners)
    torch.testing.assert_close(more.corners[learnt], one.corners[learnt])


@pytest.mark.parametrize("padding", [0, 2])
def test_a_picture_without_boxes_asks_for_no_heat(padding: int) -> None:
    given = torch.full((1, padding, 5), -1.0)
    aim = wanted(given)
    assert not aim.heat.any() and not aim.weight.any() and aim.count.tolist() == [0]
    logit = torch.randn(1, 2, *CELLS, generator=torch.Generator().manual_seed(0))
    assert torch.isfinite(centres.heat_loss(logit, aim.heat)).all()


def test_each_box_weighs_1_and_its_cells_learn_its_edges() -> None:
    aim = wanted(dense([0, 2, 4, 14, 20], [1, 16, 24, 32, 48]))
    torch.testing.assert_close(aim.weight.sum(), torch.tensor(2.0))
    for row, column, corners in ((2, 3, [2, 4, 14, 20]), (6, 9, [16, 24, 32, 48])):
        assert aim.weight[0, row, column] > 0
        assert aim.corners[0, :, row, column].tolist() == corners


def test_the_loss_of_edges_is_0_where_every_cell_gives_its_box_and_1_more_where_boxes_are_apart() -> None:
    aim = wanted(dense([0, 2, 4, 14, 20], [1, 16, 24, 32, 48]))
    torch.testing.assert_close(centres.edge_loss(aim.corners, aim), torch.zeros(1))
    assert float(centres.edge_loss(aim.corners + 1000.0, aim)) > 2


def test_the_loss_of_heat_is_that_of_its_paper_cell_by_cell() -> None:
    random = torch.Generator().manual_seed(0)
    logit, heat = torch.randn(2, 2, 3, 4, generator=random), torch.rand(2, 2, 3, 4, generator=random)
    heat[0, 1, 2, 3] = 1.0
    expected = torch.zeros(2)
    for b in range(2):
        for p, y in zip(logit[b].sigmoid().flatten(), heat[b].flatten(), strict=True):
            expected[b] -= (1 - p) ** 2 * p.log() if y == 1 else (1 - y) ** 4 * p**2 * (1 - p).log()
    torch.testing.assert_close(centres.heat_loss(logit, heat), expected)


def test_the_loss_of_heat_stays_finite_however_sure_and_wrong() -> None:
    logit = torch.tensor([[[[200.0, -200.0]]]], requires_grad=True)
    loss = centres.heat_loss(logit, torch.tensor([[[[0.0, 1.0]]]]))
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(logit.grad).all()
    torch.testing.assert_close(loss.detach(), torch.tensor([400.0]))


def test_distances_from_a_cell_s_middle_give_its_edges() -> None:
    middle = centres.middles(CELLS, PICTURE, torch.zeros(1))
    assert middle[:, 2, 3].tolist() == [10.0, 14.0]
    corners = centres.edges(torch.tensor([1.0, 2, 3, 4])[None, :, None, None].expand(1, 4, *CELLS), middle)
    assert corners[0, :, 2, 3].tolist() == [9.0, 12.0, 13.0, 18.0]


def test_peaks_are_cells_that_no_neighbour_tops() -> None:
    heat = torch.zeros(2, 5, 5)
    heat[0, 1, 1], heat[0, 1, 2], heat[0, 4, 4], heat[1, 1, 2] = 0.9, 0.8, 0.3, 0.7
    score, label, place = centres.peaks(heat, 3)
    torch.testing.assert_close(score, torch.tensor([0.9, 0.7, 0.3]))
    assert label.tolist() == [0, 1, 0] and place.tolist() == [6, 7, 24]


def test_boxes_asked_of_a_map_are_the_boxes_read_from_it() -> None:
    given = dense([0, 2, 4, 14, 20], [1, 16, 24, 32, 48], [0, 18, 2, 30, 20])
    aim = wanted(given)
    score, label, place = centres.peaks(aim.heat[0], 3)
    read = torch.cat([label[:, None], aim.corners[0].flatten(1)[:, place].T], 1)
    assert sorted(read.tolist()) == sorted(given[0].tolist()) and (score == 1).all()
    assert (boxes.area(read[:, 1:]) > 0).all()
