"""Vectors of words told by number, shape and characters: what a tagger reads where half of the words are new to it.

Side by side stand a vector of the word's number (one for all words that training met too rarely), a vector of its shape
(capitals, digits), and what a convolution over its characters finds, at its largest over the word (Ma and Hovy 2016, section 2.1;
there is no nonlinearity). The convolution is made once for each distinct spelling of a batch, not once for each word.

Letters: S words that exist, laid end to end; U distinct spellings; C character.
"""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn.stepwise import spread
from sequela.types import Seq, Spec

LEADING = 2  # numbers of a word before its characters: its place in the vocabulary, and its shape


class Spelling(Strict, frozen=True):
    """How much is made of what a word looks like."""

    characters: Annotated[int, Meta(ge=1)] = 25  # width of a character's vector
    filters: Annotated[int, Meta(ge=1)] = 50  # of the convolution over characters
    kernel: Annotated[int, Meta(ge=1)] = 3  # characters that a filter sees
    shapes: Annotated[int, Meta(ge=1)] = 8  # width of a shape's vector
    word_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # share of the words that are read as unknown while training


class Words(nn.Module):
    """Vectors "B T D" of the words of a Seq, with D as `width`; 0 on padding.

    A word that is read as unknown while training must be told by its shape and spelling, as rare ones are later.
    """

    def __init__(self, spec: Spec, embedding: int, spelling: Spelling) -> None:
        super().__init__()
        if spec.words is None:
            raise ConfigError(f"a step of {spec.kind!r} is no word with a shape and characters")
        self.words = nn.Embedding(spec.vocabulary, embedding)
        self.shapes = nn.Embedding(spec.words.shapes, spelling.shapes)
        self.characters = Characters(spec.words.characters, spelling)
        self.dropout = spelling.word_dropout
        self.width = embedding + spelling.shapes + spelling.filters
        for table in (self.words, self.shapes):
            bound = (3 / table.embedding_dim) ** 0.5  # Ma and Hovy 2016, section 3.1
            nn.init.uniform_(table.weight, -bound, bound)

    def forward(self, seq: Seq) -> Tensor:
        values = seq.values[seq.mask]  # S 2+C
        number, shape = values[:, 0], values[:, 1]
        parts = [self.words(self._dropped(number)), self.shapes(shape), self.characters(values[:, LEADING:])]
        return spread(torch.cat(parts, 1), seq.mask)

    def _dropped(self, number: Tensor) -> Tensor:
        if not self.training or not self.dropout:
            return number
        return number.masked_fill(torch.rand(number.shape, device=number.device) < self.dropout, 0)

    def begin(self, vectors: Tensor, known: Tensor) -> None:
        """See contracts.Worded."""
        begin(self.words.weight, vectors, known)


@torch.no_grad()
def begin(table: Tensor, vectors: Tensor, known: Tensor) -> None:
    """Sets the rows of a table "V D" that are known, bool "V", to theirs of `vectors` "V D".

    The others stay as they were drawn, but no larger than those in the root of the mean square (Kim 2014, section 4.3).

    Raises ConfigError where there are more or fewer, or of another width.
    """
    if vectors.shape != table.shape:
        raise ConfigError(
            f"vectors of the shape {tuple(vectors.shape)} are given to a vocabulary of the shape {tuple(table.shape)}",
            hint="the encoder's embedding must be as wide as the vectors",
        )
    here = vectors[known].to(table)
    if len(here):
        table *= (here.square().mean() / table.square().mean()).sqrt().clamp_max(1)
    table[known] = here


class Characters(nn.Module):
    """What filters find in spellings "S C", at its largest over a word's characters: "S filters"; 0 where it has none."""

    def __init__(self, characters: int, options: Spelling) -> None:
        super().__init__()
        self.vectors = nn.Embedding(characters, options.characters)
        self.filters = nn.Conv1d(options.characters, options.filters, options.kernel)
        self.around = ((options.kernel - 1) // 2, options.kernel // 2)
        bound = (3 / options.characters) ** 0.5
        nn.init.uniform_(self.vectors.weight, -bound, bound)

    def forward(self, spelled: Tensor) -> Tensor:
        if not len(spelled):
            return self.filters.weight.new_zeros(0, self.filters.out_channels)
        each, place = distinct(spelled)
        there = each > 0
        longest = int((there.any(0) * torch.arange(1, there.shape[1] + 1, device=there.device)).max().clamp_min(1))
        return self._found(each[:, :longest], there[:, :longest])[place]

    def _found(self, each: Tensor, there: Tensor) -> Tensor:
        vectors = self.vectors(each) * there.unsqueeze(2)
        answers: Tensor = self.filters(functional.pad(vectors.transpose(1, 2), self.around))  # U filters C
        least = torch.finfo(answers.dtype).min
        return answers.masked_fill(~there.unsqueeze(1), least).amax(2).where(there.any(1, keepdim=True), 0.0)


def distinct(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct rows of integers "S C", and the place of each row among them, int64 "S".

    They are told apart by one number each, and looked at again: if two different rows share one, they are sorted out one by one.
    """
    random = torch.Generator().manual_seed(0)
    factors = torch.randint(-(2**62), 2**62, (rows.shape[1],), generator=random).to(rows.device) | 1
    keys, place = torch.unique((rows * factors).sum(1), return_inverse=True)
    first = place.new_empty(len(keys)).scatter_(0, place, torch.arange(len(rows), device=rows.device))
    found = rows[first]
    if torch.equal(found[place], rows):
        return found, place
    apart, place = torch.unique(rows, dim=0, return_inverse=True)
    return apart, place
