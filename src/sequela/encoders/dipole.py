"""Dipole: a bidirectional GRU over visits, and attention from each visit to those before it (Ma 2017).

    v = relu(W x + b)                                  x: what a visit holds
    h(t) = [ahead(t); back(t)]                         two GRUs
    c(t) = sum over i < t of a(t, i) h(i)              a: softmax over the visits before t
    s(t) = tanh(W [c(t); h(t)])                        the last is pooled

    location   a(t, i) ~ w h(i)
    general    a(t, i) ~ h(t) W h(i)
    concat     a(t, i) ~ w tanh(W [h(t); h(i)])        B T T numbers of `attention_width`: for visits, not for thousands of events

A first visit attends to nothing: its c is 0. Beside the paper: numbers of a step (`side`) enter v, those of the row (`context`)
give both GRUs their first state and follow the pooled vector, and `bidirectional = false` makes a causal net of it, for tasks
that ask at each visit.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.nn import mask as masks
from sequela.nn import recurrent
from sequela.nn.readout import Initial, beside
from sequela.nn.steps import Projected, VisitName
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 64  # of a visit's vector, of the state in each direction, and of what is pooled
    attention: Literal["location", "general", "concat"] = "location"
    attention_width: Annotated[int, Meta(ge=1)] = 32  # of concat
    bidirectional: bool = True
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean


class Dipole(nn.Module):
    """Steps "B T width", the last of which is pooled, and the context after it."""

    gives = frozenset({"pooled", "steps"})

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.visits = Projected(spec, config.width, config.visit)
        self.bias = nn.Parameter(torch.zeros(config.width))
        shape = recurrent.Config(width=config.width, bidirectional=config.bidirectional)
        self.states = recurrent.Stack(config.width, shape, _gru)
        self.initial = Initial(spec, self.states.states * config.width)
        self.scores = _scores(self.states.width, config)
        self.out = nn.Linear(2 * self.states.width, config.width, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.steps_width = config.width
        self.width = config.width + spec.context
        self.causal = not config.bidirectional

    def forward(self, seq: Seq) -> Encoded:
        vectors = torch.relu(self.visits(seq) + self.bias)
        states = masks.existing(self.states(vectors, seq.mask, self.initial(seq, vectors)), seq.mask)
        earlier = _earlier(self.scores(states)) @ states
        steps = self.out(torch.cat([earlier, states], 2)).tanh()
        return Encoded(steps, seq.mask, beside(self.dropout(masks.last(steps, seq.mask)), seq))


def _gru(width_in: int, width: int) -> nn.Module:
    return recurrent.Fused(nn.GRU(width_in, width, batch_first=True))


def _earlier(scores: Tensor) -> Tensor:
    """The weight "B T T" of each step's earlier ones, that sum to 1 but for the first; what exists comes before padding."""
    before = torch.ones(scores.shape[1:], dtype=torch.bool, device=scores.device).tril(-1).expand(scores.shape)
    return masks.softmax(scores.flatten(0, 1), before.flatten(0, 1)).view(scores.shape)


class Location(nn.Module):
    """The score of a step is its own, whoever looks: "B T T", without a bias, which softmax would take away."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = nn.Linear(width, 1, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        return self.own(states).transpose(1, 2).expand(-1, states.shape[1], -1)  # type: ignore[no-any-return]


class General(nn.Module):
    """The score of a step for another is bilinear in both, "B T T"."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.between = nn.Linear(width, width, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        return states @ self.between(states).transpose(1, 2)  # type: ignore[no-any-return]


class Concat(nn.Module):
    """The score of a step for another by a small net of both, "B T T"."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.here, self.there = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.out = nn.Linear(hidden, 1, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        both = self.here(states).unsqueeze(2) + self.there(states).unsqueeze(1)
        return self.out(both.tanh()).squeeze(3)  # type: ignore[no-any-return]


def _scores(width: int, config: Config) -> nn.Module:
    match config.attention:
        case "location":
            return Location(width)
        case "general":
            return General(width)
        case "concat":
            return Concat(width, config.attention_width)


def build(spec: Spec, config: Config) -> Dipole:
    """Dipole over visits of codes, single codes, or numbers; causal where it is not bidirectional.

    Raises ConfigError for a step too large to be laid flat.
    """
    return Dipole(spec, config)
