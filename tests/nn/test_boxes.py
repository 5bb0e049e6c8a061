"""Overlap and suppression of boxes, held against the definitions written out box by box."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sequela.nn import boxes


def some(count: int, seed: int, whole: bool = False) -> Tensor:
    """Boxes that often overlap; of whole pixels some are alike, and some have no area."""
    random = np.random.default_rng(seed)
    first = random.uniform(0, 8, (count, 2))
    corners = np.concatenate([first, first + random.uniform(0 if whole else 0.1, 5, (count, 2))], 1)
    return torch.tensor(corners.round() if whole else corners, dtype=torch.float64)


def plain_overlap(a: list[float], b: list[float]) -> float:
    shared = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def plain_kept(corners: Tensor, score: Tensor, label: Tensor, most: float) -> list[int]:
    """Greedy suppression as it is told: the surest box that is left is taken, those like it are struck out."""
    left = sorted(range(len(score)), key=lambda i: (-float(score[i]), i))
    found = []
    while left:
        first = left.pop(0)
        found.append(first)
        one = corners[first].tolist()
        left = [i for i in left if label[i] != label[first] or plain_overlap(corners[i].tolist(), one) <= most]
    return found


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), whole=st.booleans())
def test_overlap_is_what_is_shared_of_what_either_covers(seed: int, whole: bool) -> None:
    left, right = some(5, seed, whole), some(4, seed + 1, whole)
    expected = [[plain_overlap(a, b) for b in right.tolist()] for a in left.tolist()]
    torch.testing.assert_close(boxes.overlap(left, right), torch.tensor(expected, dtype=torch.float64))


def test_overlap_is_taken_of_each_picture_by_itself() -> None:
    left, right = some(6, 1).reshape(2, 3, 4), some(8, 2).reshape(2, 4, 4)
    apart = torch.stack([boxes.overlap(a, b) for a, b in zip(left, right, strict=True)])
    torch.testing.assert_close(boxes.overlap(left, right), apart)


@pytest.mark.parametrize("apart", [0.0, 1.0, 3.0, 50.0])
def test_generalised_overlap_falls_with_distance_though_nothing_is_shared(apart: float) -> None:
    box = torch.tensor([0.0, 0.0, 2.0, 2.0])
    beside = box + torch.tensor([0.0, 2.0 + apart, 0.0, 2.0 + apart])
    expected = -apart / (4 + apart)  # the gap, of a strip as high as both
    torch.testing.assert_close(boxes.generalised(box, beside), torch.tensor(expected))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_generalised_overlap_is_at_most_overlap_and_1_for_the_same_box(seed: int) -> None:
    left, right = some(6, seed), some(6, seed + 1)
    assert (boxes.generalised(left, right) <= boxes.overlap(left, right).diagonal() + 1e-12).all()
    torch.testing.assert_close(boxes.generalised(left, left), torch.ones(6, dtype=torch.float64))


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 30), most=st.sampled_from([0.0, 0.3, 0.5, 1.0]), whole=st.booleans())
def test_suppression_keeps_what_greedy_taking_keeps(seed: int, count: int, most: float, whole: bool) -> None:
    random = np.random.default_rng(seed)
    corners = some(count, seed, whole)
    score = torch.tensor(random.random(count).round(1), dtype=torch.float64)  # with ties
    label = torch.tensor(random.integers(0, 2, count), dtype=torch.int64)
    assert boxes.kept(corners, score, label, most).tolist() == plain_kept(corners, score, label, most)


def test_a_box_struck_out_strikes_out_nothing() -> None:
    row = torch.tensor([[0.0, 0.0, 1.0, 4.0], [0.0, 1.5, 1.0, 5.5], [0.0, 3.0, 1.0, 7.0]])
    score, label = torch.tensor([0.9, 0.8, 0.7]), torch.zeros(3, dtype=torch.int64)
    assert boxes.kept(row, score, label, 0.4).tolist() == [0, 2]


def test_soft_suppression_lowers_scores_by_overlap_with_surer_boxes_of_the_class() -> None:
    corners = torch.tensor([[0.0, 0.0, 1.0, 4.0], [0.0, 1.0, 1.0, 5.0], [0.0, 0.0, 1.0, 4.0]])
    fallen = boxes.softened(corners, torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 0, 1]), 0.5)
    torch.testing.assert_close(fallen, torch.tensor([0.9, 0.8 * np.exp(-(0.6**2) / 0.5), 0.7], dtype=torch.float32))


def test_soft_suppression_goes_on_from_the_box_that_is_then_the_surest() -> None:
    """Of three boxes the second falls below the third, which then is the next to be taken."""
    corners = torch.tensor([[0.0, 0.0, 1.0, 10.0], [0.0, 1.0, 1.0, 11.0], [0.0, 6.0, 1.0, 16.0]])
    score = torch.tensor([0.9, 0.8, 0.5])
    fallen = boxes.softened(corners, score, torch.zeros(3, dtype=torch.int64), 0.5)
    pair = boxes.overlap(corners, corners)
    third = 0.5 * float(torch.exp(-(pair[0, 2] ** 2) / 0.5))
    second = 0.8 * float(torch.exp(-(pair[0, 1] ** 2) / 0.5))
    assert second < third
    torch.testing.assert_close(fallen, torch.tensor([0.9, second * float(torch.exp(-(pair[1, 2] ** 2) / 0.5)), third]))
