"""Boxes: how far two overlap, and which of many that overlap are kept.

A box is its top, left, bottom and right edges; one whose bottom or right edge is not past the other has no area and overlaps
nothing. Letters: M, N boxes.
"""

from __future__ import annotations

import torch
from torch import Tensor


def area(corners: Tensor) -> Tensor:
    """The area of boxes "* 4": "*", 0 where an edge has no length."""
    return (corners[..., 2:] - corners[..., :2]).clamp_min(0).prod(-1)


def overlap(left: Tensor, right: Tensor) -> Tensor:
    """Intersection over union of each box of "* M 4" with each of "* N 4": "* M N"; 0 where neither has an area.

    >>> overlap(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[0.0, 1.0, 2.0, 3.0]]))
    tensor([[0.3333]])
    """
    left, right = left[..., :, None, :], right[..., None, :, :]
    shared = _shared(left, right)
    return shared / (area(left) + area(right) - shared).clamp_min(torch.finfo(shared.dtype).tiny)


def generalised(left: Tensor, right: Tensor) -> Tensor:
    """The generalised overlap of boxes "* 4" with those in their place, "*": from -1 to 1 (Rezatofighi 2019, algorithm 1).

    It is the intersection over union, less the share of the smallest box around both that neither fills, so that boxes which
    lie apart still have a gradient.
    """
    tiny = torch.finfo(left.dtype).tiny
    shared = _shared(left, right)
    union = area(left) + area(right) - shared
    around = area(torch.cat([torch.minimum(left[..., :2], right[..., :2]), torch.maximum(left[..., 2:], right[..., 2:])], -1))
    return shared / union.clamp_min(tiny) - (around - union) / around.clamp_min(tiny)


def _shared(left: Tensor, right: Tensor) -> Tensor:
    low, high = torch.maximum(left[..., :2], right[..., :2]), torch.minimum(left[..., 2:], right[..., 2:])
    return (high - low).clamp_min(0).prod(-1)


def kept(corners: Tensor, score: Tensor, label: Tensor, most: float) -> Tensor:
    """Places of the boxes "M 4" that are kept, the surest first: greedy non-maximum suppression within each label.

    A box goes where a kept one of its label that is surer (of equal scores: that comes first) overlaps it by more than `most`.
    """
    order = score.argsort(descending=True, stable=True)
    rivals = _rivals(corners[order], label[order], most).triu(1)
    stays = torch.ones_like(order, dtype=torch.bool)
    while True:  # each turn settles at least the surest box that is not settled yet
        again = ~(rivals & stays[:, None]).any(0)
        if torch.equal(again, stays):
            return order[stays]
        stays = again


def _rivals(corners: Tensor, label: Tensor, most: float) -> Tensor:
    return (overlap(corners, corners) > most) & (label[:, None] == label)


def softened(corners: Tensor, score: Tensor, label: Tensor, sigma: float) -> Tensor:
    """Scores "M" that fall with each surer box of the same label, by exp(-overlap^2 / sigma) (Bodla 2017, Soft-NMS, eq. 3).

    No box goes: a floor on the scores leaves out those that others explain.
    """
    factor = torch.exp(-overlap(corners, corners).square() / sigma).where(label[:, None] == label, 1.0)
    left, fallen = torch.ones_like(score, dtype=torch.bool), score.clone()
    for _ in range(len(score)):
        surest = int(fallen.where(left, -torch.inf).argmax())
        left[surest] = False
        fallen = torch.where(left, fallen * factor[surest], fallen)
    return fallen
