"""Grad-CAM (Selvaraju 2017): where the last convolution sees what raises the answer.

The features of the last convolution that still has points are weighed by the mean of their gradients, added up, cut at 0, and
brought to the size of the picture. It is as coarse as that convolution's map. It is silent where the network is no convolution:
take `occlusion` there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from sequela.errors import UsageError
from sequela.explain.question import Asked, evaluating, told
from sequela.types import Array

CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
MODES = {2: "bilinear", 3: "trilinear"}


def heat(asked: Asked, encoder: nn.Module, column: Tensor | None = None) -> Array:
    """Of each picture of each row a map "B T *S" between 0 and 1, the highest of a row being 1; 0 of padding, or of no evidence.

    `encoder` is the part of the network that reads the explained input. Raises UsageError where it has no convolution over
    points.
    """
    column = asked.column() if column is None else column
    seq, space = asked.seq, asked.seq.values.shape[3:]
    with evaluating(asked.network), torch.enable_grad(), _last(encoder, len(space)) as seen:
        leaf = seq.values.detach().clone().requires_grad_(True)
        out = asked.said(replace(seq, values=leaf))
        if not seen:
            raise UsageError("the encoder has no convolution over points to look into", hint="explain it by occlusion")
        features = seen[-1]
        (gradient,) = torch.autograd.grad(told(out, column).sum(), features)
    weight = gradient.flatten(2).mean(2).view(*features.shape[:2], *[1] * len(space))
    map_ = functional.relu((weight * features).sum(1, keepdim=True)).detach()
    grown = functional.interpolate(map_, size=tuple(space), mode=MODES[len(space)], align_corners=False)[:, 0]
    return _of_rows(grown, seq.mask)


def _of_rows(steps: Tensor, mask: Tensor) -> Array:
    """Maps "S *space" of the steps that exist as "B T *space", each row's highest 1."""
    found = steps.new_zeros(mask.shape + steps.shape[1:]).index_put((mask,), steps)
    highest = found.flatten(1).amax(1).view(-1, *[1] * (found.dim() - 1))
    scaled: Array = (found / highest.where(highest > 0, 1.0)).cpu().numpy()
    return scaled


@contextmanager
def _last(encoder: nn.Module, dimensions: int) -> Iterator[list[Tensor]]:
    """The features "S D *space" of each convolution over more than one point, in the order in which they come."""
    seen: list[Tensor] = []

    def look(_module: nn.Module, _given: object, made: Tensor) -> None:
        if made.dim() == dimensions + 2 and math.prod(made.shape[2:]) > 1 and made.requires_grad:
            seen.append(made)

    hooks = [module.register_forward_hook(look) for module in encoder.modules() if isinstance(module, CONVOLUTIONS)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
