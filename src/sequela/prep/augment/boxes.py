"""Boxes that go along with a changed picture.

A box is taken for the ellipse that it holds: turned, it becomes the box of the turned ellipse, which does not grow as the box of
the turned corners would (a disc's box stays as large as the disc). Mirrored, moved, scaled or turned by 90° it is exact.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sequela.prep.augment import splines
from sequela.prep.augment.sampling import Warp

POINTS = 32  # of the ellipse: the box of a turned one is at most half a percent too small
ROUNDS = 8  # of the search for where a bent point went: each brings it 0.4 times as near, or nearer


def moved(boxes: Tensor, warp: Warp, shape: tuple[int, ...]) -> Tensor:
    """Boxes, float32 "N M 5" (label, top, left, bottom, right in points), in the changed picture, cut at its edges.

    One whose centre leaves the picture gets the label -1, as padding has, and the corners 0.
    """
    size = boxes.new_tensor(shape)
    first, last = boxes[..., 1:3], boxes[..., 3:5]
    angle = torch.arange(POINTS, device=boxes.device) * (2 * math.pi / POINTS)
    circle = torch.stack([angle.cos(), angle.sin()], 1)  # the first, and each quarter, lie on the box
    circle = torch.where(circle.abs() < 1e-6, 0.0, circle).to(boxes)
    around = (first + last)[:, :, None] / 2 + (last - first)[:, :, None] / 2 * circle
    went = _went(around.flatten(1, 2) - size / 2, warp.to(boxes.device), size).reshape(around.shape) + size / 2
    least, most = went.amin(2), went.amax(2)
    centre = (least + most) / 2
    stays = (boxes[..., 0] >= 0) & ((centre >= 0) & (centre <= size)).all(-1)
    corners = torch.cat([least.clamp(min=0).minimum(size), most.clamp(min=0).minimum(size)], 2) * stays[..., None]
    return torch.cat([torch.where(stays, boxes[..., 0], -1.0)[..., None], corners], 2)


def _went(points: Tensor, warp: Warp, size: Tensor) -> Tensor:
    """Where points "N Q 2" of the old picture, from its centre, are shown in the new one."""
    back: Tensor = torch.linalg.inv(warp.turn).mT
    found: Tensor = (points - warp.moved[:, None]) @ back
    if warp.bend is None:
        return found
    for _ in range(ROUNDS):
        bent = splines.at(warp.bend, found / size + 0.5)
        found = (points - warp.moved[:, None] - bent) @ back
    return found
