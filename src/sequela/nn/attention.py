"""Additive attention over the steps of a row (Bahdanau 2015, with one learnt query)."""

from __future__ import annotations

from torch import Tensor, nn

from sequela.nn import mask as masks


class Attention(nn.Module):
    """The weighted mean "B D" of the existing steps "B T D"; zeros for a row without steps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)

    def weights(self, steps: Tensor, mask: Tensor) -> Tensor:
        """The weight of each step, "B T": 0 on padding, summing to 1 over the steps of a row."""
        return masks.softmax(self.query(self.key(steps).tanh()).squeeze(2), mask)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        return (self.weights(steps, mask).unsqueeze(1) @ steps).squeeze(1)
