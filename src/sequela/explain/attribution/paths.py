"""What a cell adds on the way from something else to what it is: gradients along straight paths.

integrated_gradients   from the training mean, and words that say nothing, by Captum (Sundararajan 2017)
gradient_shap          from many other rows, each along a point of its own (Lundberg 2017; expected gradients, Erion 2021):
                       the mean over k of (x - x_k) d told / d x at x_k + a_k (x - x_k), a_k spread over [0, 1]
smoothed_gradient_shap the same, and what a cell of a series adds is shared with the same feature's steps around (smoothing.py)

All sum to told - rest, the first but for the points it is followed at, the others but for what they draw. Where several networks
answer, these take turns: the mean of their log-odds costs no more than one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sequela.explain.attribution.compared import Compared
from sequela.explain.attribution.found import Found
from sequela.explain.attribution.options import Options
from sequela.explain.attribution.smoothing import smoothed
from sequela.extras import need

STEPS, SAMPLES = 50, 50


def integrated_gradients(rows: Compared, options: Options) -> Found:
    """Along the way from `rest`, at Gauss and Legendre's points."""
    cells, points = rows.cells, options.points or STEPS
    captum = need("captum.attr", "explain").IntegratedGradients(cells.told)
    parts = captum.attribute(
        cells.tensors,
        cells.rest,
        additional_forward_args=(cells.row,),
        n_steps=points,
        internal_batch_size=max(len(cells.column), options.batch),
    )
    return Found(parts, points, cells.asked(*cells.rest, cells.row))


def gradient_shap(rows: Compared, options: Options) -> Found:
    """From other rows; of several networks each is asked about its share of them."""
    members = len(rows.cells.question.members)
    points = -(-(options.points or SAMPLES) // members) * members  # as many for each
    return expected(rows, rows.others(points), rows.shares(points))


def smoothed_gradient_shap(rows: Compared, options: Options) -> Found:
    """From other rows, and shared along the steps."""
    found = gradient_shap(rows, options)
    return Found(smoothed(rows.cells, found.parts, options.spread), found.points, found.rest)


def expected(rows: Compared, others: Sequence[tuple[Tensor, ...]], shares: Tensor) -> Found:
    """The mean over what the rows are held against, each at its share of the way, "K B"; networks take turns."""
    cells = rows.cells
    sums = [torch.zeros_like(tensor) for tensor in cells.tensors]
    rest = torch.zeros(len(cells.column), dtype=torch.float64, device=cells.column.device)
    for turn, (other, share) in enumerate(zip(others, shares, strict=True)):
        asked = cells.of_member(turn)
        away = [given - begin for given, begin in zip(cells.tensors, other, strict=True)]
        slopes = asked.slopes([begin + _like(share, far) * far for begin, far in zip(other, away, strict=True)])
        for sum_, slope, far in zip(sums, slopes, away, strict=True):
            sum_.addcmul_(slope, far)
        rest += asked.asked(*other, cells.row)
    count = len(others)
    return Found([sum_ / count for sum_ in sums], count, rest / count)


def _like(share: Tensor, tensor: Tensor) -> Tensor:
    """A number of each row, beside a tensor of its cells."""
    return share.to(tensor.dtype).view(-1, *[1] * (tensor.dim() - 1))
