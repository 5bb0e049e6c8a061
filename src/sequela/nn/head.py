"""From one vector a row to K numbers a row: the last layers of every task of one answer a row."""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.types import Encoded


class Config(Strict, frozen=True):
    """Options of a head, which every such task takes."""

    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the vector, and of the hidden layer
    hidden: Annotated[int, Meta(ge=0)] = 0  # width of a hidden layer; 0: none


class Head(nn.Module):
    """K numbers "B K" from the pooled vector "B D" of an Encoded."""

    def __init__(self, width: int, columns: int, config: Config) -> None:
        super().__init__()
        inner = config.hidden or width
        self.hidden = nn.Sequential(nn.Linear(width, inner), nn.ReLU()) if config.hidden else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(inner, columns)

    def forward(self, encoded: Encoded) -> Tensor:
        if encoded.pooled is None:
            raise ValueError("this head needs a pooled vector")
        vector = self.dropout(encoded.pooled)
        if not isinstance(self.hidden, nn.Identity):
            vector = self.dropout(self.hidden(vector))
        return self.out(vector)  # type: ignore[no-any-return]

    @torch.no_grad()
    def begin_at(self, bias: Tensor) -> None:
        """Sets the last bias "K", so that the first answers are near it (the prior of Lin 2017, section 3.3)."""
        self.out.bias.copy_(bias)


def of_steps(head: Head, encoded: Encoded) -> Tensor:
    """What a head makes of the vector of each step in place of the pooled one, "B T K"."""
    if encoded.steps is None:
        raise ValueError("this head needs the steps of one input")
    vectors = encoded.steps.flatten(0, 1)
    every = torch.ones(len(vectors), 1, dtype=torch.bool, device=vectors.device)
    made: Tensor = head(Encoded(None, every, vectors))
    return made.reshape(*encoded.steps.shape[:2], -1)
