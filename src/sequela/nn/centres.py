"""Boxes by their centres: what a map is to say of them in training, how far it is from that, and what boxes a map says.

A map of h by w cells lies over a picture of H by W pixels. For each class it holds a heat, which is to be 1 in the cell at the
centre of a box and to fall around it (CenterNet, Zhou 2019); beside that, in every cell, the distances from the cell's middle to
the four edges of its box (FCOS, Tian 2019), learnt near centres with the weight of the falling heat (TTFNet, Liu 2020), so that
one picture gives many cells to learn from. Letters: B batch, K class, M boxes, h w cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sequela.nn import boxes

SHARE = 0.54 / 6  # of a box's side: the spread of its heat (Liu 2020, section 4.1)
NEAR = 0.1  # heat from which a cell learns the edges of the box


@dataclass(frozen=True, slots=True)
class Map:
    """What a head says of every cell."""

    heat: Tensor  # "B K h w": logits
    corners: Tensor  # "B 4 h w": top, left, bottom, right edges of the cell's box, in pixels of the picture
    exists: Tensor  # bool "B": whether the row has a picture
    picture: tuple[int, int]  # H, W


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a map is to say."""

    heat: Tensor  # "B K h w": 1 at centres
    corners: Tensor  # "B 4 h w": of the box that a cell is nearest to
    weight: Tensor  # "B h w": of a cell in the loss of the edges; those of a box add up to 1
    count: Tensor  # "B": boxes


def middles(cells: tuple[int, int], picture: tuple[int, int], like: Tensor) -> Tensor:
    """Where the cells' middles lie in the picture: "2 h w", down and across."""
    down, across = (
        (torch.arange(n, device=like.device, dtype=like.dtype) + 0.5) * (p / n) for n, p in zip(cells, picture, strict=True)
    )
    return torch.stack(torch.meshgrid(down, across, indexing="ij"))


def edges(distances: Tensor, middle: Tensor) -> Tensor:
    """Corners "B 4 h w" from the distances to them and the cells' middles "2 h w"."""
    return torch.cat([middle - distances[:, :2], middle + distances[:, 2:]], 1)


def wanted(dense: Tensor, classes: int, cells: tuple[int, int], picture: tuple[int, int]) -> Wanted:
    """What a map of that many cells is to say of boxes "B M 5" (label or -1, then corners in the picture).

    Boxes without an area (cropped away, or padding) are left out.
    """
    label, corners = dense[..., 0].long(), dense[..., 1:]
    real = (label >= 0) & (boxes.area(corners) > 0)
    near = _heats(corners, cells, picture) * real[..., None, None]
    if not near.shape[1]:
        near, corners = near.new_zeros(len(dense), 1, *cells), corners.new_zeros(len(dense), 1, 4)
        label = label.new_zeros(len(dense), 1)
    place = label.clamp_min(0)[..., None, None].expand_as(near)
    heat = near.new_zeros(len(dense), classes, *cells).scatter_reduce(1, place, near, "amax")
    value, owner = near.max(1)
    return Wanted(heat, _of_owner(corners, owner), _weights(value, owner, near.shape[1]), real.sum(1))


def _heats(corners: Tensor, cells: tuple[int, int], picture: tuple[int, int]) -> Tensor:
    """ "B M h w": 1 in the cell of each box's centre, falling as a Gaussian as wide as SHARE of the box."""
    scale = corners.new_tensor([n / p for n, p in zip(cells, picture, strict=True)])
    centre = ((corners[..., :2] + corners[..., 2:]) / 2 * scale).floor()
    spread = ((corners[..., 2:] - corners[..., :2]) * scale * SHARE).clamp_min(1e-3)
    down, across = (
        torch.exp(-((torch.arange(n, device=corners.device) - centre[..., [axis]]) / spread[..., [axis]]).square() / 2)
        for axis, n in enumerate(cells)
    )
    return down[..., :, None] * across[..., None, :]


def _of_owner(corners: Tensor, owner: Tensor) -> Tensor:
    """Corners "B M 4" laid out by which box each cell belongs to, "B h w": "B 4 h w"."""
    place = owner.flatten(1)[..., None].expand(-1, -1, 4)
    return corners.gather(1, place).transpose(1, 2).reshape(len(corners), 4, *owner.shape[1:])


def _weights(value: Tensor, owner: Tensor, count: int) -> Tensor:
    """The heat of each cell near enough, over the sum of that of its box."""
    near = value.where(value >= NEAR, 0.0).flatten(1)
    of_box = near.new_zeros(len(near), count).scatter_add(1, owner.flatten(1), near)
    return (near / of_box.gather(1, owner.flatten(1)).clamp_min(1e-9)).reshape(owner.shape)


def heat_loss(logit: Tensor, heat: Tensor, alpha: float = 2.0, beta: float = 4.0) -> Tensor:
    """The penalty-reduced focal loss of each picture, summed over cells and classes: "B" (Zhou 2019, eq. 1)."""
    hit, miss = functional.logsigmoid(logit), functional.logsigmoid(-logit)
    at_centre = -(alpha * miss).exp() * hit
    elsewhere = -(1 - heat).pow(beta) * (alpha * hit).exp() * miss
    return torch.where(heat == 1, at_centre, elsewhere).flatten(1).sum(1)


def edge_loss(corners: Tensor, aim: Wanted) -> Tensor:
    """What is missing to a generalised overlap of 1, summed over the boxes of each picture: "B"."""
    missing = 1 - boxes.generalised(corners.movedim(1, -1), aim.corners.movedim(1, -1))
    return (missing * aim.weight).flatten(1).sum(1)


def peaks(heat: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """The `most` hottest cells of one picture "K h w" that no neighbour tops: their heat, class and place (of h w laid flat)."""
    summit = heat.where(heat == functional.max_pool2d(heat[None], 3, 1, 1)[0], 0.0).flatten()
    score, index = summit.topk(min(most, len(summit)))
    cells = heat[0].numel()
    return score, index // cells, index % cells
