"""A minimal GRU: gates that look at the step alone, so all steps are computed at once (Feng 2024, "Were RNNs all we needed?").

    z = sigmoid(W x + b)                 n = V x + c        (section 3.1)
    h(t) = (1 - z) h(t-1) + z n

With `candidate = "positive"`, n is g(V x + c), with g(u) = u + 0.5 above 0 and sigmoid(u) below: the paper's form for a scan over
logarithms, which needs positive numbers. Ours scans the recurrence itself (`nn/scan.py`), which does not. Since no
gate sees what came before, a second layer (the default) is what lets steps bear on each other's reading.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from sequela.nn import recurrent
from sequela.nn.scan import scan
from sequela.types import Spec


class Config(recurrent.Config, frozen=True):
    layers: Annotated[int, Meta(ge=1)] = 2
    candidate: Literal["linear", "positive"] = "linear"


class MinGRU(nn.Module):
    """The cell over all steps: states "B T H" of inputs "B T I" and the state before the first, "B H"."""

    def __init__(self, width_in: int, width: int, positive: bool) -> None:
        super().__init__()
        self.inputs = nn.Linear(width_in, 2 * width)
        self.positive = positive

    def forward(self, inputs: Tensor, initial: Tensor) -> Tensor:
        gate, candidate = self.inputs(inputs).chunk(2, 2)
        update = gate.sigmoid()
        return scan(1 - update, update * (_positive(candidate) if self.positive else candidate), initial)


def _positive(values: Tensor) -> Tensor:
    return torch.where(values >= 0, functional.relu(values) + 0.5, values.sigmoid())


def build(spec: Spec, config: Config) -> recurrent.Recurrent:
    """A minGRU over numbers, codes, or windows and images laid flat; causal unless bidirectional.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """
    return recurrent.Recurrent(spec, config, lambda width_in, width: MinGRU(width_in, width, config.candidate == "positive"))
