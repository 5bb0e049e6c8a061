"""The beginning and the end that encoders over steps share: the numbers of the row, and one vector a row."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sequela.nn.pool import Pool
from sequela.types import Encoded, Seq, Spec


class Initial(nn.Module):
    """The state "B width" before the first step: tanh of a linear map of the row's numbers, 0 where it has none."""

    def __init__(self, spec: Spec, width: int) -> None:
        super().__init__()
        self.width = width
        self.map = nn.Linear(spec.context, width) if spec.context else None

    def forward(self, seq: Seq, like: Tensor) -> Tensor:
        """`like` says the type and the device."""
        if self.map is None:
            return like.new_zeros(len(seq.mask), self.width)
        return torch.tanh(self.map(seq.context))


class Readout(nn.Module):
    """Steps as an Encoded: pooled, then dropout, then the numbers of the row beside it. `width` is that of the pooled vector."""

    def __init__(self, spec: Spec, steps: int, pool: str | list[str], dropout: float) -> None:
        super().__init__()
        self.pool = Pool(pool, steps)
        self.dropout = nn.Dropout(dropout)
        self.width = self.pool.width + spec.context

    def forward(self, steps: Tensor, seq: Seq) -> Encoded:
        return Encoded(steps, seq.mask, beside(self.dropout(self.pool(steps, seq.mask)), seq))


def beside(pooled: Tensor, seq: Seq) -> Tensor:
    """The pooled vector with the numbers of the row after it."""
    return pooled if seq.context is None else torch.cat([pooled, seq.context], 1)
