"""A gated recurrent unit, in both forms: reset after the matrix product, as cuDNN has it, or before, as Cho 2014 wrote it.

after    n = tanh(W x + b + r (U h + v))
before   n = tanh(W x + b + U (r h))
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from sequela.nn import recurrent
from sequela.types import Spec


class Config(recurrent.Config, frozen=True):
    form: Literal["after", "before"] = "after"


def build(spec: Spec, config: Config) -> recurrent.Recurrent:
    """A GRU over numbers, codes, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """

    def cell(width_in: int, width: int) -> nn.Module:
        if config.form == "before":
            return recurrent.ResetBefore(width_in, width)
        return recurrent.Fused(nn.GRU(width_in, width, batch_first=True))

    return recurrent.Recurrent(spec, config, cell)
