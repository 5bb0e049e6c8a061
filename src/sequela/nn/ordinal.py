"""The last layer of a question whose K classes have an order: one score a row, and K - 1 thresholds that it passes or not.

The cumulative logit model of McCullagh (1980, equation 2.4: proportional odds): the odds of a class above the k-th are
exp(score - threshold k), the thresholds rising. So the probabilities of the classes are differences of a rising curve, never
below 0, whatever the weights are: CORAL (Cao 2020) trains the same score and thresholds by K - 1 separate yes-or-no losses,
under which the thresholds are in order at the end of training alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sequela.nn import head as heads
from sequela.types import Encoded


class OrdinalHead(nn.Module):
    """Log-probabilities of K classes "B K" from the pooled vector "B D" of an Encoded."""

    def __init__(self, width: int, classes: int, config: heads.Config) -> None:
        super().__init__()
        self.score = heads.Head(width, 1, config)  # its bias stands for the first threshold
        self.gaps = nn.Parameter(torch.zeros(classes - 2))  # logarithms, from each threshold to the next

    def forward(self, encoded: Encoded) -> Tensor:
        return log_chances(self.score(encoded), self.gaps)

    @torch.no_grad()
    def begin_at(self, share: Tensor) -> None:
        """Sets the thresholds so that a score of nothing has these shares "K" of the classes, none of which is 0."""
        above = share.double().flip(0).cumsum(0).flip(0)[1:]  # of all later classes together
        odds = above.log() - (1 - above).log()
        self.score.begin_at(odds[:1].float())
        self.gaps.copy_((odds[:-1] - odds[1:]).log())


def log_chances(above: Tensor, gaps: Tensor) -> Tensor:
    """The log-probabilities "B K" of classes, from the logit "B 1" of being above the first and the logarithms of gaps "K-2".

    Of a class between the logits a and b = a - gap: sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(-gap)), which no
    rounding empties.
    """
    gap = gaps.exp()
    logits = above - functional.pad(gap.cumsum(0), (1, 0))
    reached = functional.pad(functional.logsigmoid(logits), (1, 0))
    left = functional.pad(functional.logsigmoid(-logits), (0, 1))
    return reached + left + functional.pad((-torch.expm1(-gap)).log(), (1, 1))
