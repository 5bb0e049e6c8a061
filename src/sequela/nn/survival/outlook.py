"""The head of every task of times to events, and what a manner of telling them makes of its numbers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from sequela.nn import head as heads
from sequela.nn.survival.watched import Watched
from sequela.types import Encoded, Times


class Chances(NamedTuple):
    """Cumulative incidence of K causes on a grid, as `types.Curves` has it."""

    times: Tensor  # float64 "G": days, rising
    incidence: Tensor  # float64 "B K G"


class Outlook(nn.Module):
    """For each row P numbers of a net, then the Q numbers that are the same for all rows (edges, a baseline): "B P+Q".

    Those Q are a buffer, so they are saved with the weights, and whoever has the output can answer from it alone. At first
    all rows are alike, since the last layer has no weights yet: one row that a random scale puts far off has a gradient that Adam
    would remember for a thousand steps.
    """

    knots: Tensor

    def __init__(self, width: int, columns: int, knots: int, config: heads.Config) -> None:
        super().__init__()
        self.head = heads.Head(width, columns, config)
        nn.init.zeros_(self.head.out.weight)
        self.register_buffer("knots", torch.zeros(knots))

    def forward(self, encoded: Encoded) -> Tensor:
        score = self.head(encoded)
        return torch.cat([score, self.knots.to(score.dtype).expand(len(score), -1)], 1)

    @torch.no_grad()
    def begin(self, bias: Tensor, knots: Tensor) -> None:
        """Sets the first answers "P", and what is the same for all rows "Q"."""
        self.head.begin_at(bias.to(self.head.out.bias))
        self.knots.copy_(knots)


class Manner(Protocol):
    """One way of telling by when which of K causes comes. All of it is a function of the output of an Outlook, "B P+Q"."""

    @property
    def joint(self) -> bool:
        """Whether the loss of a row depends on the rows beside it."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """How many numbers of a row the net tells (P), and how many are the same for all (Q)."""
        ...

    def first(self, times: Times) -> tuple[Tensor, Tensor]:
        """What an Outlook begins at, "P" and "Q": the training rows as if they were all alike."""
        ...

    def loss(self, out: Tensor, watched: Watched) -> Tensor:
        """Minus the log-likelihood of each row, "B", and what is learnt beside it."""
        ...

    def chances(self, out: Tensor) -> Chances:
        """By when which cause comes; the incidence has the gradient of `out`."""
        ...
