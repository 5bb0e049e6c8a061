from __future__ import annotations

import numpy as np
import pytest

from sequela.evaluate import cases, overlay
from sequela.evaluate.overlay import GAP, Outlined
from sequela.evaluate.segmentation import tally
from sequela.types import Answer, Array, Painted, Space, Target


class Masks:
    """Masks in memory (types.Masks)."""

    instances = False

    def __init__(self, arrays: list[Array]) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays)

    def take(self, rows: Array) -> Masks:
        return Masks([self.arrays[row] for row in rows])

    def whole(self, row: int) -> Array:
        return self.arrays[row]

    def space(self, row: int) -> Space | None:
        return None


def half(points: int) -> Array:
    """A picture of which so many of 40 points are marked."""
    mask = np.zeros(40, np.int32)
    mask[:points] = 1
    return mask.reshape(5, 8)


def test_the_worst_the_middle_and_the_best_are_shown_once_each() -> None:
    truth = [half(20) for _ in range(9)]
    said = [half(20 - 2 * k) for k in range(9)]  # from the best to the worst
    painted = tuple(Painted(one.astype(np.uint8), (one * 255).astype(np.uint8)[None]) for one in said)
    known = np.ones((9, 1), bool)
    known[8] = False
    target = Target(np.zeros((9, 1)), known, ("a",), Masks(truth))
    answer = Answer("masks", np.zeros((9, 1)), ("a",), painted=painted)
    answer = Answer("masks", answer.values, ("a",), painted=painted, tally=tally(answer, target))
    found = cases.chosen("segment", "model", answer, target, {})
    assert [(one.row, one.why) for one in found] == [
        (7, "worst"), (6, "worst"), (5, "worst"), (3, "middle"), (0, "best"), (1, "best"), (2, "best"),
    ]  # fmt: skip
    assert found[0].told == f"Dice {2 * 6 / 26:.3f}" and len({one.row for one in found}) == len(found)


def test_the_surest_errors_come_first_and_say_what_is_true() -> None:
    target = Target(np.array([[0.0], [1], [1], [0], [1]]), np.array([[True], [True], [True], [True], [False]]), ("ill",))
    answer = Answer("probabilities", np.array([[0.9], [0.2], [0.95], [0.1], [0.01]]), ("ill",))
    found = cases.chosen("binary", "model", answer, target, {"model": 0.5})
    errors = [one for one in found if one.why == "surest errors"]
    assert [(one.row, one.told) for one in errors] == [(0, "said ill (0.90), is not ill"), (1, "said not ill (0.80), is ill")]
    assert [one.row for one in found if one.why == "surest and right"] == [2, 3]


def test_quantities_have_no_pictures_of_their_own() -> None:
    target = Target(np.zeros((2, 1)), np.ones((2, 1), bool), ("volume",))
    assert cases.chosen("regression", "model", Answer("values", np.zeros((2, 1)), ("volume",)), target, {}) == []


@pytest.mark.parametrize(("size", "shown"), [((28, 28), 140), ((100, 50), 100), ((960, 999), 320)])
def test_panels_are_of_a_size_to_look_at(size: tuple[int, int], shown: int) -> None:
    found = overlay.panels(np.zeros((1, *size), np.uint8), [np.zeros(size, np.uint8)])
    assert found.dtype == np.uint8 and found.shape[0] == shown and found.shape[2] == 3
    assert found.shape[1] == 2 * (shown * size[1] // size[0]) + GAP


def test_marks_lie_where_they_are() -> None:
    mask = np.zeros((200, 200), np.uint8)
    mask[50:80, 100:150] = 1
    _, drawn = np.split(overlay.panels(np.full((1, 200, 200), 90, np.uint8), [mask]), [200 + GAP], 1)
    changed = (drawn != 90).any(2)
    assert (changed == (mask > 0)).all()
    assert (drawn[50, 100:150] == overlay.COLOURS[0]).all() and (drawn[60, 120] != overlay.COLOURS[0]).any()


def test_boxes_are_drawn_on_their_edges() -> None:
    boxes = Outlined(np.array([[20.0, 30, 60, 90]]), np.array([2]))
    _, drawn = np.split(overlay.panels(np.zeros((3, 200, 200), np.uint8), [boxes]), [200 + GAP], 1)
    rows, columns = np.nonzero((drawn == overlay.COLOURS[1]).all(2))
    assert (rows.min(), columns.min(), rows.max(), columns.max()) == (20, 30, 60, 90)
    assert not drawn[40, 60].any()


def test_of_a_volume_the_slice_with_most_on_it_is_shown() -> None:
    volume, mask = np.zeros((1, 5, 170, 170), np.uint8), np.zeros((5, 170, 170), np.uint8)
    volume[0, 3] = 200
    mask[3, 10:20, 10:20], mask[1, 0, 0] = 1, 1
    assert overlay.panels(volume, [mask])[0, 0].tolist() == [200, 200, 200]


def test_warmth_is_where_the_weight_is() -> None:
    weight = np.zeros((200, 200), np.float32)
    weight[20:30, 40:50] = 1
    found = overlay.warmth(np.full((1, 200, 200), 50, np.uint8), weight)[:, 200 + GAP :]
    assert (found[25, 45] > found[100, 100]).any() and (found[100, 100] == 50).all()


def thick_rows(mm: float) -> Space:
    """Slices and columns 1 mm apart, rows farther."""
    return Space(np.diag([1.0, mm, 1.0, 1.0]), "SPL")


def test_thick_rows_of_a_volume_are_drawn_as_high_as_they_are() -> None:
    picture, mask = np.zeros((1, 3, 10, 20), np.uint8), np.zeros((3, 10, 20), np.int32)
    mask[1, 4, 7:9] = 1
    shown = overlay.panels(picture, [mask], thick_rows(4.0))
    height, width = shown.shape[0], (shown.shape[1] - GAP) // 2
    assert height == width * 2  # 40 by 20 mm
    outline = np.argwhere(shown[:, width + GAP :].any(2))
    low, high = outline.min(0), outline.max(0) + 1
    assert (high - low).tolist() == [height // 10, width // 10]
    assert overlay.warmth(picture, (mask > 0).astype(float), thick_rows(4.0)).shape == shown.shape


def test_a_mark_at_the_front_right_of_the_fullest_slice_is_drawn_at_the_top_left() -> None:
    picture, mask = np.full((1, 4, 16, 16), 50, np.uint8), np.zeros((4, 16, 16), np.int32)
    picture[0, 2, :4, :4] = 250
    mask[1, 15, 15], mask[2, :4, :4] = 1, 1
    shown = overlay.panels(picture, [mask], thick_rows(1.0))
    quarter = shown.shape[0] // 4
    assert (shown[:quarter, :quarter] == 250).all() and (shown[quarter:, : shown.shape[0]] == 50).all()


def test_boxes_follow_the_spacing_of_a_picture() -> None:
    boxes = Outlined(np.array([[2.0, 5.0, 8.0, 15.0]]), np.array([1]))
    shown = overlay.panels(np.zeros((1, 10, 20), np.uint8), [boxes], thick_rows(2.0))
    marked = np.argwhere(shown[:, shown.shape[0] + GAP :].any(2))
    assert marked.min(0).tolist() == [2 * 16, 5 * 8] and marked.max(0).tolist() == [8 * 16, 15 * 8]


def called(truth: list[int], said: list[int], chance: list[float]) -> cases.Calls:
    return cases.Calls(np.array(said), np.array(truth), np.ones(len(truth), bool), np.array(chance), ("N", "S", "V"))


def test_wrong_calls_of_each_class_are_of_different_subjects() -> None:
    found = called([1, 1, 1, 1, 0, 2], [0, 0, 0, 1, 0, 2], [0.99, 0.95, 0.6, 0.9, 0.8, 0.7])
    shown = cases.of_each_class(found, np.array([7, 7, 8, 8, 9, 9]))
    wrong = [(one.row, one.told) for one in shown if one.why == "S, called wrongly"]
    assert wrong == [(0, "said N (0.99), is S"), (2, "said N (0.60), is S")]
    assert [(one.row, one.why) for one in shown if "rightly" in one.why] == [
        (4, "N, called rightly"), (3, "S, called rightly"), (5, "V, called rightly"),
    ]  # fmt: skip


def test_a_right_call_that_is_shown_is_the_middle_one() -> None:
    found = called([0] * 5, [0] * 5, [0.9, 0.5, 0.8, 0.99, 0.7])
    assert [one.row for one in cases.of_each_class(found, np.arange(5))] == [2]


def test_calls_whose_truth_is_not_known_are_not_shown() -> None:
    found = cases.Calls(np.array([0, 1]), np.array([1, 1]), np.zeros(2, bool), np.ones(2), ("N", "S"))
    assert cases.of_each_class(found, np.arange(2)) == []
