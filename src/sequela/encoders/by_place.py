"""A feed-forward network over all letters of an aligned sequence at once: each place has weights of its own for each letter.

    h = act(sum over t of W[t, x(t)] + b)          the first layer
    pooled = dropout of h, or of what further layers make of it

It is the first layer of a perceptron over letters one-hot, side by side, the net of the early work on promoters and splice sites
(Towell, Shavlik and Noordewier 1990), without the zeros. Where places mean the same in every sequence, and these are few, it asks
for much less than a net that must find out where it stands.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from sequela.config import Strict
from sequela.encoders._reading import refuse_numbers
from sequela.errors import ConfigError
from sequela.nn.mask import existing
from sequela.types import Encoded, Seq, Spec

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 16  # of every layer
    layers: Annotated[int, Meta(ge=1)] = 1
    activation: Literal["relu", "tanh", "sigmoid"] = "tanh"
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # after every layer
    input_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # letters that are not seen in a training step


class ByPlace(nn.Module):
    """Steps "B T width", what each letter adds to the first layer, and the last "B width"; a place without a letter adds 0."""

    gives = frozenset({"pooled", "steps"})
    causal = True  # of the steps: each is of its own letter alone

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.length, self.vocabulary = spec.length, spec.vocabulary
        self.weight = nn.Parameter(torch.empty(spec.length * spec.vocabulary, config.width))
        bound = 1 / math.sqrt(spec.length)  # so many numbers of its one-hot input are not 0
        nn.init.uniform_(self.weight, -bound, bound)
        self.bias = nn.Parameter(torch.empty(config.width).uniform_(-bound, bound))
        self.input_dropout = nn.Dropout1d(config.input_dropout)
        self.first = _after(config)
        widths = [config.width] * config.layers
        self.layers = nn.Sequential(*(nn.Sequential(nn.Linear(*pair), _after(config)) for pair in pairwise(widths)))
        self.width = self.steps_width = config.width

    def forward(self, seq: Seq) -> Encoded:
        steps = self._added(seq)
        pooled: Tensor = self.layers(self.first(steps.sum(1) + self.bias))
        return Encoded(steps, seq.mask, pooled)

    def _added(self, seq: Seq) -> Tensor:
        there = seq.mask if seq.seen is None else seq.mask & seq.seen
        place = torch.arange(there.shape[1], device=there.device).clamp(max=self.length - 1)  # beyond it is padding
        vectors = functional.embedding(place * self.vocabulary + existing(seq.values, there), self.weight)
        kept: Tensor = self.input_dropout(existing(vectors, there))
        return kept


def _after(config: Config) -> nn.Module:
    return nn.Sequential(ACTIVATIONS[config.activation](), nn.Dropout(config.dropout))


def build(spec: Spec, config: Config) -> ByPlace:
    """A network over the letters of aligned sequences.

    Raises ConfigError for steps of numbers, and where rows are not known to be of one length.
    """
    refuse_numbers("by_place", spec)
    if not spec.length or spec.shape:
        raise ConfigError(
            f"by_place has weights for each place, and rows of {spec.kind!r} are of any length",
            hint="modality = { name = 'residues', aligned = true }, or another encoder, such as cnn_text",
        )
    return ByPlace(spec, config)
