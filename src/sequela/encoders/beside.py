"""The numbers beside each step alone, one layer wide: what windows look like is not read.

Where few patients are learnt from, the shape of a signal is learnt as theirs. Intervals of a beat, and its likeness to what is
usual in its own patient (modalities/waveform.py, reference), carry over to the next one.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from msgspec import Meta
from torch import nn

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn.pool import Pool
from sequela.nn.stepwise import PoolName, refuse_other
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 48  # of a step's vector
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of a step's vector
    side_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the numbers: each is left out of a whole row
    noise: Annotated[float, Meta(ge=0)] = 0.0  # in training: standard deviation added to every number, in its own unit
    pool: PoolName = "mean"  # over the steps of a row


class Beside(nn.Module):
    """Steps "B T D", a linear map and relu of the numbers "B T E", and a pooled vector "B D"."""

    causal: ClassVar[bool] = True  # no step sees another

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.side_dropout, self.dropout = nn.Dropout(config.side_dropout), nn.Dropout(config.dropout)
        self.noise = config.noise
        self.layer = nn.Sequential(nn.Linear(spec.side, config.width), nn.ReLU())
        self.pool = Pool(config.pool, config.width)
        self.context = spec.context
        self.steps_width = config.width
        self.width = config.width + spec.context
        self.gives = frozenset({"pooled", "steps"})

    def forward(self, seq: Seq) -> Encoded:
        numbers = seq.side * self.side_dropout(torch.ones_like(seq.side[:, :1]))
        if self.training and self.noise:
            numbers = numbers + self.noise * torch.randn_like(numbers)
        steps = self.dropout(self.layer(numbers)) * seq.mask.unsqueeze(2)
        pooled = self.pool(steps, seq.mask)
        return Encoded(steps, seq.mask, torch.cat([pooled, seq.context], 1) if self.context else pooled)


def build(spec: Spec, config: Config) -> Beside:
    """The layer for windows "C L" with numbers. Raises ConfigError where a step is no window, or no numbers stand beside it."""
    refuse_other(spec, "C L")
    if not spec.side:
        raise ConfigError(
            f"no numbers stand beside the steps of {spec.kind!r}, and this encoder reads nothing else",
            hint="a waveform has them with rhythm = true or a reference",
        )
    return Beside(spec, config)
