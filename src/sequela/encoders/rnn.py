"""A plain recurrent network: h(t) = f(W x + b + U h(t-1)) with f tanh, relu or sigmoid (Elman 1990)."""

from __future__ import annotations

from typing import Literal

from torch import nn

from sequela.nn import recurrent
from sequela.types import Spec


class Config(recurrent.Config, frozen=True):
    nonlinearity: Literal["tanh", "relu", "sigmoid"] = "tanh"


def build(spec: Spec, config: Config) -> recurrent.Recurrent:
    """An RNN over numbers, codes, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """

    def cell(width_in: int, width: int) -> nn.Module:
        if config.nonlinearity == "sigmoid":
            return recurrent.Sigmoid(width_in, width)
        return recurrent.Fused(nn.RNN(width_in, width, nonlinearity=config.nonlinearity, batch_first=True))

    return recurrent.Recurrent(spec, config, cell)
