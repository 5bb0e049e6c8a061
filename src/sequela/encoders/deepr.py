"""Deepr: a record as one text of codes and of words for the time between them, read by a convolutional net (Nguyen 2017).

The words of a row are the codes of its first visit, a word for the gap to the second, its codes, and so on. Convolutions of
several widths pass over their vectors; after relu, the largest answer of each filter over all words is pooled: a motif counts
wherever it stands. The gap words are those of the paper: up to 1, 3, 6, 12 months, and longer (`gaps`, in the unit of position).
Codes as events are words one by one, and a gap word stands only where time went by.

Beside the paper: codes of a visit stand in the order of the data, not in a random one; numbers of a step (`side`, such as a
value) are added to all its words by a linear map; those of the row (`context`) follow the pooled vector. Each step gives the
largest answers over its own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn.mask import existing
from sequela.nn.motifs import Motifs
from sequela.nn.readout import beside
from sequela.nn.steps import counted, refuse_words
from sequela.nn.time import since_step
from sequela.types import Encoded, Seq, Spec

MONTH = 365.25 / 12  # days


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 32  # filters of each kernel
    kernels: tuple[Annotated[int, Meta(ge=1)], ...] = (3, 4, 5)  # words
    embedding: Annotated[int, Meta(ge=1)] = 64  # width of a word's vector
    gaps: tuple[float, ...] = (MONTH, 3 * MONTH, 6 * MONTH, 12 * MONTH)  # where one gap word ends and the next begins
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector


@dataclass(frozen=True, slots=True)
class Text:
    """The words of B rows, W at most."""

    words: Tensor  # int64 "B W"
    mask: Tensor  # bool "B W"
    step: Tensor  # int64 "B W": which each word belongs to


class Deepr(nn.Module):
    """Steps "B T D" with D = width * kernels: their largest answers; pooled, those of the row, and the context after them."""

    gives = frozenset({"pooled", "steps"})
    causal = False
    gaps: Tensor

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.vocabulary = spec.vocabulary
        self.register_buffer("gaps", torch.tensor(config.gaps, dtype=torch.float64), persistent=False)
        self.words = nn.Embedding(spec.vocabulary + len(config.gaps) + 1, config.embedding)
        self.side = nn.Linear(spec.side, config.embedding, bias=False) if spec.side else None
        self.motifs = nn.ModuleList(Motifs(config.embedding, config.width, kernel) for kernel in config.kernels)
        self.dropout = nn.Dropout(config.dropout)
        self.steps_width = config.width * len(config.kernels)
        self.width = self.steps_width + spec.context

    def forward(self, seq: Seq) -> Encoded:
        text = self.text(seq)
        vectors = self._vectors(text, seq)
        answers = torch.cat([motifs(vectors) for motifs in self.motifs], 2).relu()  # B W D
        place = text.step.unsqueeze(2).expand_as(answers)
        steps = answers.new_zeros(*seq.mask.shape, self.steps_width).scatter_reduce(
            1, place, existing(answers, text.mask), "amax"
        )
        return Encoded(steps, seq.mask, beside(self.dropout(steps.amax(1)), seq))

    def text(self, seq: Seq) -> Text:
        """The words of each row, without holes."""
        codes = seq.values if seq.values.dim() == 3 else seq.values.unsqueeze(2)
        since, between = self._between(seq)
        words = torch.cat([self.vocabulary + torch.bucketize(since, self.gaps).unsqueeze(2), codes], 2)  # B T 1+N
        there = torch.cat([between.unsqueeze(2), counted(seq).view(codes.shape)], 2)
        return _laid(words, there)

    def _between(self, seq: Seq) -> tuple[Tensor, Tensor]:
        """The gap before each step, and where a word stands for it: before every visit but the first, or where time went by."""
        since = existing(since_step(seq.position), seq.mask)
        later = seq.mask.clone()
        later[:, 0] = False
        return since, later if seq.values.dim() == 3 else later & (since > 0)

    def _vectors(self, text: Text, seq: Seq) -> Tensor:
        vectors: Tensor = self.words(text.words)
        if self.side is not None:
            side = self.side(existing(seq.side, seq.mask))
            vectors = vectors + side.gather(1, text.step.unsqueeze(2).expand_as(vectors))
        return existing(vectors, text.mask)


def _laid(words: Tensor, there: Tensor) -> Text:
    """The words "B T M" that are there, laid end to end row by row."""
    row, step, _ = there.nonzero().unbind(1)
    count = there.flatten(1).sum(1)
    place = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
    mask = torch.arange(max(int(count.max()), 1), device=row.device) < count[:, None]
    laid = [mask.new_zeros(mask.shape, dtype=torch.int64).index_put((row, place), part) for part in (words[there], step)]
    return Text(laid[0], mask, laid[1])


def build(spec: Spec, config: Config) -> Deepr:
    """Deepr over visits of codes or codes as events.

    Raises ConfigError for other steps, no kernels, and gaps that do not rise.
    """
    refuse_words(spec, "deepr")
    if not spec.vocabulary or len(spec.shape) > 1:
        raise ConfigError(
            f"deepr reads codes as a text; a step of {spec.kind!r} holds "
            + (f"codes of shape {spec.shape}" if spec.vocabulary else f"numbers of shape {spec.shape}"),
            hint="use it with modality = 'codes', or another encoder",
        )
    if not config.kernels or any(first >= second for first, second in pairwise(config.gaps)):
        raise ConfigError(f"deepr needs at least one kernel, and gaps that rise; found {config.kernels} and {config.gaps}")
    return Deepr(spec, config)
