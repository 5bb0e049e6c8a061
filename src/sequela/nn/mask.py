"""What exists in a padded batch: masks are True on steps that exist, and the existing steps of a row come first.

`existing` takes away whatever stands on padding; the poolings ask that it be finite, as encoders leave it.
"""

from __future__ import annotations

import torch
from torch import Tensor


def existing(values: Tensor, mask: Tensor) -> Tensor:
    """`values` "B T *F" with 0 wherever `mask` "B T" is False, whatever stood there (NaN too)."""
    shape = mask.shape + (1,) * (values.dim() - mask.dim())
    return torch.where(mask.view(shape), values, torch.zeros((), dtype=values.dtype, device=values.device))


def last(steps: Tensor, mask: Tensor) -> Tensor:
    """The last existing step of each row, "B D" of "B T D"; zeros for a row without steps."""
    index = (mask.sum(1) - 1).clamp(min=0)
    found = steps.gather(1, index.view(-1, 1, 1).expand(-1, 1, steps.shape[2])).squeeze(1)
    return existing(found, mask.any(1))


def mean(steps: Tensor, mask: Tensor) -> Tensor:
    """The mean over the existing steps of each row, "B D" of "B T D"; zeros for a row without steps."""
    weights = mask / mask.sum(1, keepdim=True).clamp(min=1)
    return (weights.to(steps.dtype).unsqueeze(1) @ steps).squeeze(1)


def largest(steps: Tensor, mask: Tensor) -> Tensor:
    """The largest value over the existing steps of each row, "B D" of "B T D"; zeros for a row without steps."""
    penalty = torch.zeros(mask.shape, dtype=steps.dtype, device=steps.device).masked_fill(~mask, torch.finfo(steps.dtype).min)
    return existing((steps + penalty.unsqueeze(2)).amax(1), mask.any(1))


def softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Weights "B T" over the existing steps that sum to 1 in each row; all 0 for a row without steps."""
    return existing(scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(1), mask)


def reverse(steps: Tensor, mask: Tensor) -> Tensor:
    """Each row of "B T D" turned round within its own length; padding stays where it is. Its own inverse."""
    rows, length = mask.shape
    time = torch.arange(length, device=mask.device)
    index = torch.where(mask, mask.sum(1, keepdim=True) - 1 - time, time)
    index = index + length * torch.arange(rows, device=mask.device).unsqueeze(1)  # whole steps move: a third of a gather's cost
    return steps.flatten(0, 1).index_select(0, index.flatten()).view(steps.shape)
