"""Hazards of several causes that compete, made into the chance of each by each time."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-300  # so that nothing is divided by 0


def of_hazards(cumulative: Tensor) -> Tensor:
    """The cumulative incidence "B K G" of causes whose cause-specific cumulative hazards are float64 "B K G", rising.

    Survival is exp(-sum of them). Between two times it falls by what all causes take together, and each has the share of that
    which it has of the hazard: exact where hazards are in proportion there, never below 0, and summing to 1 with survival.
    """
    steps = torch.diff(cumulative, dim=2, prepend=torch.zeros_like(cumulative[:, :, :1])).clamp_min(0)
    total = steps.sum(1)
    before = torch.exp(-(total.cumsum(1) - total))
    fall = before * -torch.expm1(-total)
    return (fall.unsqueeze(1) * steps / total.clamp_min(SMALLEST).unsqueeze(1)).cumsum(2)
