"""A hierarchical attention network: words make sentences, sentences make the document (Yang 2016).

    h(i, t) = [ahead; back] of a GRU over the words of sentence i
    s(i)    = sum over t of a(i, t) h(i, t)         a: softmax over t of tanh(W h + b) . u
    h(i)    = [ahead; back] of a GRU over the sentences
    pooled  = sum over i of a(i) h(i)               likewise

A step is a sentence: its words in order, or, of coded records, a visit with its codes. Beside the paper: numbers of a step
(`side`) follow its sentence's vector, those of the row (`context`) give the second GRU its first state and follow the pooled
vector. A sentence without words has the vector 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.encoders._reading import refuse_numbers
from sequela.errors import ConfigError
from sequela.nn import recurrent
from sequela.nn.attention import Attention
from sequela.nn.mask import existing
from sequela.nn.readout import Initial, beside
from sequela.nn.steps import counted
from sequela.nn.words import begin
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 50  # of the states of both GRUs, in each direction
    embedding: Annotated[int, Meta(ge=1)] = 100  # width of a word's vector
    input_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the words' vectors
    sentence_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the sentences' vectors
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector


@dataclass(frozen=True, slots=True)
class Weights:
    """What a document looked at: 0 where nothing stands."""

    words: Tensor  # "B T N", as the words stand in `values`: summing to 1 in each sentence that has any
    sentences: Tensor  # "B T": summing to 1 in each document

    @property
    def shares(self) -> Tensor:
        """Of each word in the whole document, "B T N"."""
        return self.words * self.sentences.unsqueeze(2)


class HAN(nn.Module):
    """Steps "B T D" with D = 2 * width, the states of the sentences, and their weighted sum, with the context after it."""

    gives = frozenset({"pooled", "steps"})
    causal = False

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        both = recurrent.Config(width=config.width, bidirectional=True)
        self.words = Sentences(spec, config, both)
        self.states = recurrent.Stack(2 * config.width + spec.side, both, recurrent.fused("gru"))
        self.initial = Initial(spec, self.states.states * config.width)
        self.attention = Attention(2 * config.width)
        self.hidden, self.dropout = nn.Dropout(config.sentence_dropout), nn.Dropout(config.dropout)
        self.steps_width = 2 * config.width
        self.width = self.steps_width + spec.context

    def forward(self, seq: Seq) -> Encoded:
        steps = self._states(seq, self.words(seq)[0])
        return Encoded(steps, seq.mask, beside(self.dropout(self.attention(steps, seq.mask)), seq))

    def weights(self, seq: Seq) -> Weights:
        """How much each word and each sentence counts in the pooled vectors of these rows."""
        sentences, words = self.words(seq)
        return Weights(words, self.attention.weights(self._states(seq, sentences), seq.mask))

    def _states(self, seq: Seq, sentences: Tensor) -> Tensor:
        inputs = self.hidden(sentences)
        inputs = inputs if seq.side is None else torch.cat([inputs, existing(seq.side, seq.mask)], 2)
        return existing(self.states(inputs, seq.mask, self.initial(seq, inputs)), seq.mask)


class Sentences(nn.Module):
    """A vector of each sentence, "B T D", and the weights of its words in it, "B T N"."""

    def __init__(self, spec: Spec, config: Config, both: recurrent.Config) -> None:
        super().__init__()
        self.embedding = nn.Embedding(spec.vocabulary, config.embedding)
        self.hidden = nn.Dropout(config.input_dropout)
        self.states = recurrent.Stack(config.embedding, both, recurrent.fused("gru"))
        self.attention = Attention(self.states.width)

    def forward(self, seq: Seq) -> tuple[Tensor, Tensor]:
        seen = counted(seq).flatten(0, 1)
        words = seq.values.flatten(0, 1)
        vectors = self.embedding.weight.new_zeros(len(words), self.states.width)
        weights = self.embedding.weight.new_zeros(words.shape)
        for some in _alike(seen.sum(1)):
            place = seen[some].argsort(dim=1, descending=True, stable=True)[:, : int(seen[some].sum(1).max())]
            found, share = self._read(words[some].gather(1, place), seen[some].gather(1, place))
            vectors = vectors.index_put((some,), found)
            weights = weights.index_put((some.unsqueeze(1), place), share)
        return vectors.view(*seq.mask.shape, -1), weights.view(seq.values.shape)

    def begin(self, vectors: Tensor, known: Tensor) -> None:
        """See contracts.Worded."""
        begin(self.embedding.weight, vectors, known)

    def _read(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Of S sentences of M words at most, none of which is empty, vectors "S D" and weights "S M"."""
        vectors = existing(self.hidden(self.embedding(words)), mask)
        states = self.states(vectors, mask, vectors.new_zeros(len(words), self.states.width))
        weights = self.attention.weights(states, mask)
        return (weights.unsqueeze(1) @ states).squeeze(1), weights


def _alike(lengths: Tensor) -> list[Tensor]:
    """Numbers of the sentences that have words, those of up to 8, 16, 32, ... words together, so that little is padding."""
    size = torch.bucketize(lengths, 8 * 2 ** torch.arange(16, device=lengths.device))
    groups = [((size == one) & (lengths > 0)).nonzero().flatten() for one in range(int(size.max()) + 1)]
    return [group for group in groups if len(group)]


def build(spec: Spec, config: Config) -> HAN:
    """Two levels of attention over sentences of words, or visits of codes.

    Raises ConfigError for steps of numbers, and for steps of one word each.
    """
    refuse_numbers("han", spec)
    if len(spec.shape) != 1 or spec.words is not None:
        raise ConfigError(
            f"han reads sentences of words, and a step of {spec.kind!r} is one word",
            hint='modality = { name = "text", form = "sentences" }, or codes by visit; of single words: lstm, pool = "attention"',
        )
    return HAN(spec, config)
