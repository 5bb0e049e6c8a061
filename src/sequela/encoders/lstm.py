"""Long short-term memory, with a forget gate and without peepholes (Hochreiter and Schmidhuber 1997, Gers 2000)."""

from __future__ import annotations

from torch import nn

from sequela.nn import recurrent
from sequela.types import Spec


class Config(recurrent.Config, frozen=True):
    pass


def build(spec: Spec, config: Config) -> recurrent.Recurrent:
    """An LSTM over numbers, codes, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """

    def cell(width_in: int, width: int) -> nn.Module:
        return recurrent.Fused(nn.LSTM(width_in, width, batch_first=True))

    return recurrent.Recurrent(spec, config, cell)
