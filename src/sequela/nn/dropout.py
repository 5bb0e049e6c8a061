"""Dropout of steps: of each number by itself or, variational, of a feature at all steps of a row (Gal and Ghahramani 2016)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class StepDropout(nn.Module):
    """Steps "B T D" with a share of their numbers set to 0 while training, the others scaled so that the mean stays."""

    def __init__(self, share: float, variational: bool) -> None:
        super().__init__()
        self.share, self.variational = share, variational

    def forward(self, steps: Tensor) -> Tensor:
        if not self.training or not self.share:
            return steps
        if not self.variational:
            return functional.dropout(steps, self.share)
        return steps * functional.dropout(steps.new_ones(len(steps), 1, steps.shape[2]), self.share)
