"""RETAIN: two attentions that read a row backwards, and an answer that is a sum over its codes (Choi 2016).

    v(t) = W x(t)                                              the codes of a visit, summed; no bias
    a = softmax over t of w g(t)                               g: a GRU over v(T) … v(1)
    b(t) = tanh(W h(t) + b)                                    h: another such GRU
    pooled = sum over t of a(t) b(t) v(t)                      elementwise in b and v

(Steps 1 to 5 of section 2.2.) Since v is linear in what a visit holds, a linear head over the pooled vector is a sum with one
term for each code of each visit: `contributions` gives them, equation 5, exactly.

Beside the paper: numbers of a step (`side`, such as the gap since the last visit) enter v by a linear map, so that each has its
own term; those of the row (`context`) give both GRUs their first state and follow the pooled vector. Steps that hold numbers
instead of codes are a linear map of them, and of which were seen. Each step gives its term of the pooled sum.

Two options, off as in the paper, let training start from the latest visit taken whole and learn from there what else counts.
The paper's start is a mean over visits of which each number passes by a small random share, which few rows do not undo:

    recency = r   w g(t) - r log(1 + d(t)): d(t) the time from step t to the last, in days where a record has days; r is learnt
    bias = b      b starts there: from 2 on, tanh lets nearly all of v(t) through

The terms stay exact, for a(t) and b(t) are all that changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.nn import mask as masks
from sequela.nn.readout import Initial, beside
from sequela.nn.recurrent import Fused
from sequela.nn.steps import Codes, Projected, counted, refuse_words
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 128  # of a visit's vector and of the pooled one
    state: Annotated[int, Meta(ge=0)] = 0  # width of both GRUs; 0: that of the vectors
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    visit_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the visits' vectors
    recency: Annotated[float, Meta(ge=0)] = 0.0  # first weight of log(1 + time before the last step) against a score; 0: none
    bias: float = 0.0  # that b of b(t) starts with; 0: drawn, as torch draws those of a linear map


class RETAIN(nn.Module):
    """Steps "B T width" that sum to the pooled vector, which the context follows."""

    gives = frozenset({"pooled", "steps"})
    causal = False

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        state = config.state or config.width
        self.visits = Projected(spec, config.width)
        self.initial = Initial(spec, 2 * state)
        self.of_visits, self.of_numbers = Attention(config.width, state), Attention(config.width, state, config.width)
        self.recency = nn.Parameter(torch.tensor(config.recency)) if config.recency else None
        if config.bias:
            nn.init.constant_(self.of_numbers.out.bias, config.bias)
        self.visit_dropout, self.dropout = nn.Dropout(config.visit_dropout), nn.Dropout(config.dropout)
        self.steps_width = config.width
        self.width = config.width + spec.context

    def forward(self, seq: Seq) -> Encoded:
        vectors = self.visit_dropout(self.visits(seq))
        steps = self._weights(vectors, seq) * vectors
        return Encoded(steps, seq.mask, beside(self.dropout(steps.sum(1)), seq))

    def weights(self, seq: Seq) -> Tensor:
        """How much of each number of a visit's vector is in the pooled one, a(t) b(t), "B T width"; 0 on padding."""
        return self._weights(self.visits(seq), seq)

    def _weights(self, vectors: Tensor, seq: Seq) -> Tensor:
        backwards = masks.reverse(vectors, seq.mask)
        of_visits, of_numbers = self.initial(seq, vectors).chunk(2, 1)
        scores = self.of_visits(backwards, of_visits).squeeze(2)
        if self.recency is not None:
            scores = scores - self.recency * _since(seq).to(scores.dtype)
        share = masks.softmax(scores, seq.mask)
        weights = share.unsqueeze(2) * self.of_numbers(backwards, of_numbers).tanh()
        return masks.reverse(weights, seq.mask)


def _since(seq: Seq) -> Tensor:
    """log(1 + time from a step to the last one), backwards as the scores are: "B T", of whatever unit `position` has."""
    backwards = masks.reverse(masks.existing(seq.position, seq.mask).unsqueeze(2), seq.mask).squeeze(2)
    return torch.log1p((backwards[:, :1] - backwards).clamp(min=0))


class Attention(nn.Module):
    """A linear map of the states of a GRU: "B T out", or scores "B T 1" without a bias, which softmax would take away."""

    def __init__(self, width: int, state: int, out: int = 0) -> None:
        super().__init__()
        self.states = Fused(nn.GRU(width, state, batch_first=True))
        self.out = nn.Linear(state, out) if out else nn.Linear(state, 1, bias=False)

    def forward(self, vectors: Tensor, initial: Tensor) -> Tensor:
        return self.out(self.states(vectors, initial))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Contributions:
    """The terms of a linear answer but for its bias: their sum and the bias are the answer."""

    values: Tensor  # "B T *F": of each code or number of each step, with the mark that it was seen; 0 where nothing was
    side: Tensor | None  # "B T E": of each number beside a step
    context: Tensor | None  # "B C": of each number of the row

    def total(self) -> Tensor:
        """The sum of all terms of each row, "B"."""
        parts = [part.flatten(1).sum(1) for part in (self.values, self.side, self.context) if part is not None]
        return torch.stack(parts).sum(0)


@torch.no_grad()
def contributions(encoder: RETAIN, seq: Seq, weight: Tensor) -> Contributions:
    """What each code, number and visit adds to `weight` @ pooled, "width" of the encoder (equation 5 of the paper).

    Exact for an encoder in eval mode, and for a head without a hidden layer, whose row of weights this is: the terms and the
    bias sum to the logit. What a term says holds for this row alone: the weights look at the other codes too.
    """
    width = encoder.steps_width
    slope = encoder.weights(seq) * weight[:width]  # B T D: of the answer, by a visit's vector
    context = None if seq.context is None else seq.context * weight[width:]
    values, side = _terms(encoder.visits, seq, slope)
    return Contributions(values, side, context)


def _terms(visits: Projected, seq: Seq, slope: Tensor) -> tuple[Tensor, Tensor | None]:
    laid = visits.laid(seq)
    numbers = None if visits.numbers is None or laid is None else laid * (slope @ visits.numbers.weight)
    if isinstance(visits.codes, Codes):
        return _of_codes(visits.codes.weight, seq, slope), numbers
    assert numbers is not None  # what holds no codes holds numbers
    return _of_numbers(numbers, seq), None if seq.side is None else numbers[..., -seq.side.shape[2] :]


def _of_numbers(terms: Tensor, seq: Seq) -> Tensor:
    """The term of each number, of the shape of `values`: its own, and that of the mark which says that it was seen."""
    side = 0 if seq.side is None else seq.side.shape[2]
    numbers = terms[..., : terms.shape[2] - side]
    if numbers.shape[2] > seq.values[0, 0].numel():  # values, then marks
        own, mark = numbers.chunk(2, 2)
        numbers = own + mark
    return numbers.reshape(seq.values.shape)


def _of_codes(table: Tensor, seq: Seq, slope: Tensor) -> Tensor:
    """The term of each code, of the shape of `values`; only what is seen is gathered."""
    seen = counted(seq)
    row, step = seen.nonzero()[:, :2].unbind(1)
    terms = (table[seq.values[seen]] * slope[row, step]).sum(1)
    return slope.new_zeros(seen.shape).masked_scatter(seen, terms)


def build(spec: Spec, config: Config) -> RETAIN:
    """RETAIN over visits of codes, single codes, or numbers.

    Raises ConfigError for a step too large to be laid flat.
    """
    refuse_words(spec, "retain")
    return RETAIN(spec, config)
