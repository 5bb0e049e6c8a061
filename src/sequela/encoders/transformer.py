"""A transformer: layers in which every step looks at all others, in as many ways as there are heads (Vaswani 2017).

    x <- x + attention(norm(x))          softmax(Q K / sqrt(d)) V, by torch's fused kernels
    x <- x + W gelu(V norm(x))           of four times the width

The norm comes first (Xiong 2020: it trains without a warm-up), and once more at the end. A step's vector is a linear map of what
it holds plus the encoding of its `position`: a time, in days or whatever the input declares, not a count. `since = "prediction"`
takes the time until the prediction, `"first"` that since the row's first step, which says nothing of what comes later. With
`causal` no step sees a later one. Numbers of the row (`context`) are mapped to every step, and follow the pooled vector.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn import clock
from sequela.nn.attention import Layer, refuse_uneven
from sequela.nn.mask import existing
from sequela.nn.readout import Readout
from sequela.nn.steps import Projected, VisitName
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 64
    layers: Annotated[int, Meta(ge=1)] = 2
    heads: Annotated[int, Meta(ge=1)] = 4
    causal: bool = False
    time: Literal["sinusoidal", "time2vec", "none"] = "sinusoidal"
    since: Literal["prediction", "first"] = "prediction"  # what times are counted from
    shortest: Annotated[float, Meta(ge=0)] = 0.0  # period, in the unit of position; 0: an hour of days, 0.1 of seconds
    longest: Annotated[float, Meta(ge=0)] = 0.0  # 0: a century of days, a day of seconds
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of weights, of what a layer adds, and of the pooled vector
    pool: str | list[str] = "mean"  # last, mean, max, attention, or several side by side
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean


class Transformer(nn.Module):
    """Steps "B T width" and a pooled vector of as many widths as `pool` has parts, plus the context."""

    gives = frozenset({"pooled", "steps"})

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.inputs = Projected(spec, config.width, config.visit, row=True)
        self.clock = None if config.time == "none" else _clock(spec, config, config.time)
        self.from_first = config.since == "first"
        self.layers = nn.ModuleList(Layer(config.width, config.heads, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.readout = Readout(spec, config.width, config.pool, config.dropout)
        self.steps_width = config.width
        self.width = self.readout.width
        self.causal = config.causal

    def forward(self, seq: Seq) -> Encoded:
        steps = self._inputs(seq)
        keys = None if self.causal else _keys(seq.mask)
        for layer in self.layers:
            steps = layer(steps, keys, self.causal)
        return self.readout(self.norm(steps), seq)  # type: ignore[no-any-return]

    def _inputs(self, seq: Seq) -> Tensor:
        vectors: Tensor = self.inputs(seq)
        if self.clock is None:
            return vectors
        position = seq.position - seq.position[:, :1] if self.from_first else seq.position
        return vectors + existing(self.clock(existing(position, seq.mask)).to(vectors.dtype), seq.mask)


def _keys(mask: Tensor) -> Tensor:
    """The steps that may be looked at, "B 1 1 T": those that exist, and one of a row that has none, since softmax needs it."""
    keys = mask.clone()
    keys[:, 0] = True
    return keys[:, None, None]


def _clock(spec: Spec, config: Config, name: clock.ClockName) -> nn.Module:
    shortest, longest = clock.span(spec.unit, config.shortest, config.longest)
    if shortest >= longest:
        raise ConfigError(
            f"the shortest period is {shortest:g} and the longest {longest:g} {spec.unit}; the longest must be above the shortest"
        )
    return clock.build(name, config.width, shortest, longest)


def build(spec: Spec, config: Config) -> Transformer:
    """A transformer over codes, numbers, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, an unknown pooling, a width that the heads do not divide, and periods
    in the wrong order.
    """
    refuse_uneven(config.width, config.heads)
    return Transformer(spec, config)
