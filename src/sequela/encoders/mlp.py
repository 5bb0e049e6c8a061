"""A feed-forward network over each step, then the mean over steps: for a patient's statics, or the plainest summary of a series.

Numbers of the row (`context`) stand beside every step.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.nn import mask
from sequela.nn.steps import Flat, VisitName
from sequela.types import Encoded, Seq, Spec

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU}


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 64  # of every layer
    layers: Annotated[int, Meta(ge=1)] = 1
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # after every layer
    activation: Literal["relu", "tanh", "gelu", "silu"] = "relu"
    embedding: Annotated[int, Meta(ge=0)] = 0  # width of a code's vector; 0: that of the layers
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean


class MLP(nn.Module):
    """Steps "B T width", each of its own step alone, and their mean "B width": zeros for a row without steps."""

    gives = frozenset({"pooled", "steps"})
    causal = True

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.flat = Flat(spec, config.embedding or config.width, config.visit)
        widths = [self.flat.width + spec.context, *[config.width] * config.layers]
        layers = [_layer(*pair, config) for pair in pairwise(widths)]
        self.layers = nn.Sequential(*layers)
        self.width = self.steps_width = config.width

    def forward(self, seq: Seq) -> Encoded:
        steps = self.layers(self._inputs(seq))
        return Encoded(steps, seq.mask, mask.mean(steps, seq.mask))

    def _inputs(self, seq: Seq) -> Tensor:
        vectors: Tensor = self.flat(seq)
        if seq.context is None:
            return vectors
        return torch.cat([vectors, seq.context.unsqueeze(1).expand(-1, vectors.shape[1], -1)], 2)


def _layer(width_in: int, width: int, config: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(width_in, width), ACTIVATIONS[config.activation](), nn.Dropout(config.dropout))


def build(spec: Spec, config: Config) -> MLP:
    """An MLP over numbers, codes, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat.
    """
    return MLP(spec, config)
