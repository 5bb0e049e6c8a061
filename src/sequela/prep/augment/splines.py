"""Smooth random fields: a few numbers on a coarse grid, made as fine as a picture by uniform cubic B-splines (Rueckert 1999).

A field of `cells` cells along an axis is held by cells + 3 numbers there, one of them outside the picture at one end, two at
the other, so that it has two smooth derivatives everywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor


def weights(place: Tensor, cells: int) -> Tensor:
    """How much each number counts at places in [0, 1] of an axis: "… cells+3", each line adding up to 1."""
    along = place.clamp(0, 1) * cells
    cell = along.floor().clamp(max=cells - 1)
    rest = (along - cell)[..., None]
    cubic = torch.cat([(1 - rest) ** 3, 3 * rest**3 - 6 * rest**2 + 4, 3 * rest * (1 + rest - rest**2) + 1, rest**3], -1) / 6
    found = place.new_zeros(*place.shape, cells + 3)
    return found.scatter_(-1, cell.long()[..., None] + torch.arange(4, device=place.device), cubic)


def spread(numbers: Tensor, shape: tuple[int, ...], first: int = 0, last: int | None = None) -> Tensor:
    """The field "N n *S" that numbers "N n *(cells+3)" stand for, at the middle of each point; or its slices first to last."""
    for axis, size in enumerate(shape, 2):
        middle = (torch.arange(size, device=numbers.device, dtype=numbers.dtype) + 0.5) / size
        basis = weights(middle if axis > 2 else middle[first:last], numbers.shape[axis] - 3)
        numbers = (numbers.movedim(axis, -1) @ basis.T).movedim(-1, axis)
    return numbers


def at(numbers: Tensor, places: Tensor) -> Tensor:
    """The field "N n *(cells+3)" at places "N Q n", in shares of each axis: "N Q n"."""
    here = numbers[:, None]
    for axis in range(places.shape[2]):
        basis = weights(places[:, :, axis], numbers.shape[2 + axis] - 3)
        here = torch.einsum("nqp,nqkp...->nqk...", basis, here.expand(-1, places.shape[1], *here.shape[2:]))
    return here
