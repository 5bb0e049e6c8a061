"""LIME over tables (Ribeiro 2016): a plain sum fitted to what is told of rows drawn around one.

    minimise sum_z pi(z) (told(z) - b - sum_j w_j z_j)^2 + |w|^2      pi(z) = exp(-|z - x|^2 / (0.75^2 F))

z is x with a normal number added to each of its F numbers that were seen, of spread 1, which is theirs in training. A number adds
w_j (x_j - mean). The width and the shrinkage are those of the authors' code, whose rows are drawn around the training mean, not
around x; we draw fewer, around the row. What the sum does not fit, it does not tell.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sequela.explain.attribution.cells import Cells
from sequela.explain.attribution.compared import Compared
from sequela.explain.attribution.found import Found
from sequela.explain.attribution.options import Options

DRAWN, WIDTH, SHRINKAGE = 1000, 0.75, 1.0


def lime(rows: Compared, options: Options) -> Found:
    """Of each row its numbers, all of them at once."""
    cells, points = rows.cells, options.points or DRAWN
    parts = [torch.zeros_like(tensor, dtype=torch.float64) for tensor in cells.tensors]
    for row, random in enumerate(rows.random):
        there = [seen[row] for seen in cells.there]
        count = sum(int(seen.sum()) for seen in there)
        if count:
            moved = torch.as_tensor(random.standard_normal((points, count)), device=cells.column.device)
            slopes = _slopes(moved, _told(cells, row, there, moved))
            for part, tensor, rest, seen, own in zip(
                parts, cells.tensors, cells.rest, there, torch.split(slopes, [int(seen.sum()) for seen in there]), strict=True
            ):
                part[row][seen] = own * (tensor[row] - rest[row])[seen].double()
    return Found(parts, points)


def _told(cells: Cells, row: int, there: list[Tensor], moved: Tensor) -> Tensor:
    """What is told of the row with these numbers added to its own, float64 "Z"."""
    given = []
    each = torch.split(moved, [int(seen.sum()) for seen in there], 1)
    for tensor, seen, far in zip(cells.tensors, there, each, strict=True):
        put = tensor[row].expand(len(moved), *tensor.shape[1:]).clone()
        put[:, seen] += far.to(put.dtype)
        given.append(put)
    return cells.asked(*given, torch.full((len(moved),), row, device=moved.device))


def _slopes(moved: Tensor, told: Tensor) -> Tensor:
    """The weighed ridge regression, float64 "F"."""
    weight = torch.exp(-moved.square().sum(1) / (WIDTH**2 * moved.shape[1]))
    share = (weight / weight.sum()).unsqueeze(1)
    far, above = moved - (share * moved).sum(0), told - (share[:, 0] * told).sum()
    square = far.T @ (weight.unsqueeze(1) * far) + SHRINKAGE * torch.eye(moved.shape[1], dtype=far.dtype, device=far.device)
    slopes: Tensor = torch.linalg.solve(square, far.T @ (weight * above))
    return slopes
