"""One vector of numbers for each step, whatever a step is: the first thing that every recurrent encoder and the MLP does.

codes ()                        an embedding
words (2 + C,)                  what nn/words.py makes of number, shape and characters
visits (N,)                     the sum of the embeddings of those of its codes that are seen, or their mean
numbers () or (F,)              the values, then for each whether it was seen (1 or 0), so that absent is not zero
windows (C, L), images (C, H, W)   laid flat
side (E,)                       appended to any of them
"""

from __future__ import annotations

import functools
import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from sequela.errors import ConfigError
from sequela.nn.mask import existing
from sequela.nn.words import Spelling, Words, begin
from sequela.types import Seq, Spec

VisitName: TypeAlias = Literal["sum", "mean"]
SMALL = 0.01  # spread of the numbers that vectors of a sum start with
LARGEST = 16_384  # numbers in a step laid flat: a 128 x 128 image; above it the input matrix dwarfs the recurrence


class Flat(nn.Module):
    """Vectors "B T D" of the steps of a Seq, with D as `width`; 0 on padding.

    Raises ConfigError where a step is too large to be laid flat.
    """

    def __init__(self, spec: Spec, embedding: int, visit: VisitName = "sum", spelling: Spelling | None = None) -> None:
        super().__init__()
        _check(spec)
        self.marked = not spec.vocabulary and len(spec.shape) <= 1
        self.codes = _codes(spec, embedding, visit, spelling or Spelling())
        numbers = math.prod(spec.shape) * (2 if self.marked else 1) if self.codes is None else self.codes.width
        self.width = numbers + spec.side

    def forward(self, seq: Seq) -> Tensor:
        parts = [self.codes(seq)] if self.codes is not None else self._numbers(seq)
        if seq.side is not None:
            parts.append(seq.side)
        return existing(torch.cat(parts, 2) if len(parts) > 1 else parts[0], seq.mask)

    def _numbers(self, seq: Seq) -> list[Tensor]:
        values = seq.values.flatten(2) if seq.values.dim() > 2 else seq.values.unsqueeze(2)
        if not self.marked:
            return [values]
        seen = torch.ones_like(values) if seq.seen is None else seq.seen.view(values.shape).to(values.dtype)
        return [values, seen]


class Codes(nn.Module):
    """Vectors "B T D" of steps that are a code () or a visit of codes (N,); 0 on padding and where a visit has none.

    A sum tells how many codes there are, and lets risks add up; a mean does not. The vectors of a sum start near 0: then a code
    that training rarely meets says nearly nothing, where vectors of any size would say something at random for ever. On simulated
    records of 3,800 training visits that is worth .002 (a GRU) to .04 (RETAIN) of AUROC. Only what is seen is gathered, and never
    as "B T N D".
    """

    def __init__(self, spec: Spec, width: int, visit: VisitName = "sum") -> None:
        super().__init__()
        self.visit: VisitName = visit
        self.width = width
        self.weight = nn.Parameter(torch.empty(spec.vocabulary, width))
        nn.init.normal_(self.weight, 0, SMALL if visit == "sum" and spec.shape else 1.0)

    def forward(self, seq: Seq) -> Tensor:
        seen = counted(seq)
        if seen.dim() == 2:
            return existing(functional.embedding(existing(seq.values, seen), self.weight), seen)
        counts = seen.sum(2).flatten()
        vectors = functional.embedding_bag(seq.values[seen], self.weight, counts.cumsum(0) - counts, mode=self.visit)
        return vectors.view(*seq.mask.shape, -1)

    def begin(self, vectors: Tensor, known: Tensor) -> None:
        """See contracts.Worded."""
        begin(self.weight, vectors, known)


def counted(seq: Seq) -> Tensor:
    """Which codes count, of the shape of `values`: those that are seen, in steps that exist."""
    mask: Tensor = seq.mask.view(seq.mask.shape + (1,) * (seq.values.dim() - 2)).expand(seq.values.shape)
    return mask if seq.seen is None else mask & seq.seen


class Projected(nn.Module):
    """Vectors "B T width" that are a linear map of all that a step holds, codes, numbers and side; without bias, 0 on padding.

    With `row`, a linear map of the numbers of the row is added to every step.
    """

    def __init__(self, spec: Spec, width: int, visit: VisitName = "sum", row: bool = False) -> None:
        super().__init__()
        _check(spec)
        self.codes = _codes(spec, width, visit, Spelling())
        self.narrowed = nn.Linear(self.codes.width, width, bias=False) if isinstance(self.codes, Words) else nn.Identity()
        self.flat = None if spec.vocabulary else Flat(spec, 0)
        numbers = spec.side if self.flat is None else self.flat.width
        self.numbers = nn.Linear(numbers, width, bias=False) if numbers else None
        self.row = nn.Linear(spec.context, width, bias=False) if row and spec.context else None

    def forward(self, seq: Seq) -> Tensor:
        parts: list[Tensor] = [] if self.codes is None else [self.narrowed(self.codes(seq))]
        if self.numbers is not None:
            parts.append(self.numbers(self.laid(seq)))
        if self.row is not None:
            parts.append(existing(self.row(seq.context).unsqueeze(1).expand(*seq.mask.shape, -1), seq.mask))
        return functools.reduce(torch.add, parts)

    def laid(self, seq: Seq) -> Tensor | None:
        """What the map of numbers is of, "B T I": all numbers of a step, or its side where it holds codes; 0 on padding."""
        if self.flat is not None:
            return self.flat(seq)  # type: ignore[no-any-return]
        return None if seq.side is None else existing(seq.side, seq.mask)


def refuse_words(spec: Spec, encoder: str) -> None:
    """Raises ConfigError where a step is a word with shape and characters: for an encoder that has a weight for each code."""
    if spec.words is not None:
        raise ConfigError(
            f"{encoder} reads codes by their number, and a step of {spec.kind!r} is a word with its shape and characters",
            hint="leave out `characters` of the input, or take another encoder (bilstm, lstm, transformer, ...)",
        )


def _codes(spec: Spec, width: int, visit: VisitName, spelling: Spelling) -> Codes | Words | None:
    """What makes vectors of the codes of a step; None where it holds numbers. Those of words are wider than `width`."""
    if spec.words is not None:
        return Words(spec, width, spelling)
    return Codes(spec, width, visit) if spec.vocabulary else None


def _check(spec: Spec) -> None:
    size = math.prod(spec.shape)
    if spec.vocabulary == 0 and size > LARGEST:
        raise ConfigError(
            f"a step of {spec.kind!r} holds {size:,} numbers, and this encoder lays steps of at most {LARGEST:,} flat",
            hint="use an encoder with convolutions (cnn, resnet, resnet1d), or smaller steps",
        )
    if spec.vocabulary > 0 and len(spec.shape) > 1:
        raise ConfigError(f"a step of {spec.kind!r} holds codes of shape {spec.shape}; expected () or (N,)")
