"""Filters over neighbouring words: what CAML and the net of Kim do alike, each with kernels and a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.nn.mask import existing
from sequela.nn.motifs import Motifs
from sequela.nn.readout import Readout
from sequela.nn.steps import Flat, VisitName
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    embedding: Annotated[int, Meta(ge=1)] = 100  # width of a word's vector
    input_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the words' vectors
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    pool: str | list[str] = "max"  # last, mean, max, attention, or several side by side
    visit: VisitName = "sum"  # of the vectors of a visit's codes, or of a sentence's words; or mean


class Filters(nn.Module):
    """Steps "B T D" with D = width * kernels, and a pooled vector: D a part of `pool`, then the context."""

    gives = frozenset({"pooled", "steps"})
    causal = False

    def __init__(
        self, spec: Spec, config: Config, width: int, kernels: Sequence[int], function: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.function = function
        self.words = Flat(spec, config.embedding, config.visit)
        self.hidden = nn.Dropout(config.input_dropout)
        self.motifs = nn.ModuleList(Motifs(self.words.width, width, kernel) for kernel in kernels)
        self.steps_width = width * len(kernels)
        self.readout = Readout(spec, self.steps_width, config.pool, config.dropout)
        self.width = self.readout.width

    def forward(self, seq: Seq) -> Encoded:
        vectors = self.hidden(self.words(seq))
        steps = self.function(torch.cat([motifs(vectors) for motifs in self.motifs], 2))
        encoded: Encoded = self.readout(existing(steps, seq.mask), seq)
        return encoded
