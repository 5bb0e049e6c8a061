"""A convolutional net for sentences: filters over 3, 4 and 5 words, and the largest answer of each in the text (Kim 2014).

    c(t) = relu(W [w(t) ... w(t+k-1)] + b)          for each kernel k
    pooled = dropout of max over t of c(t)          of all kernels side by side

As in the author's own code zeros stand before and after the text, so that one of fewer words than a kernel is read like any
other; no filter ever sees the words of another row, or padding. Each word's step holds the answers around it, so that labels can
attend to them.
"""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.encoders._reading import refuse_numbers
from sequela.errors import ConfigError
from sequela.nn.mask import existing
from sequela.nn.motifs import Motifs
from sequela.nn.readout import Readout
from sequela.nn.steps import Flat, VisitName
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 100  # filters of each kernel
    kernels: tuple[Annotated[int, Meta(ge=1)], ...] = (3, 4, 5)  # words
    embedding: Annotated[int, Meta(ge=1)] = 100  # width of a word's vector
    input_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the words' vectors
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.5  # of the pooled vector
    pool: str | list[str] = "max"  # last, mean, max, attention, or several side by side
    visit: VisitName = "sum"  # of the vectors of a visit's codes, or of a sentence's words; or mean


class CNNText(nn.Module):
    """Steps "B T D" with D = width * kernels, none below 0, and a pooled vector: D a part of `pool`, then the context."""

    gives = frozenset({"pooled", "steps"})
    causal = False

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.words = Flat(spec, config.embedding, config.visit)
        self.hidden = nn.Dropout(config.input_dropout)
        self.motifs = nn.ModuleList(Motifs(self.words.width, config.width, kernel) for kernel in config.kernels)
        self.steps_width = config.width * len(config.kernels)
        self.readout = Readout(spec, self.steps_width, config.pool, config.dropout)
        self.width = self.readout.width

    def forward(self, seq: Seq) -> Encoded:
        vectors = self.hidden(self.words(seq))
        steps: Tensor = torch.cat([motifs(vectors) for motifs in self.motifs], 2).relu()
        return self.readout(existing(steps, seq.mask), seq)  # type: ignore[no-any-return]


def build(spec: Spec, config: Config) -> CNNText:
    """Filters over words, codes as events, or visits of codes.

    Raises ConfigError for steps of numbers, no kernels, and an unknown pooling.
    """
    refuse_numbers("cnn_text", spec)
    if not config.kernels:
        raise ConfigError("cnn_text needs at least one kernel; kernels is empty", hint="kernels = [3, 4, 5]")
    return CNNText(spec, config)
