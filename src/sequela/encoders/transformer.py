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
from torch.nn import functional

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn import clock
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
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.readout = Readout(spec, config.width, config.pool, config.dropout)
        self.steps_width = config.width
        self.width = self.readout.width
        self.causal = config.causal

    def forward(self, seq: Seq) -> Encoded:
        steps = self._inputs(seq)
        keys = None if self.causal else _keys(seq.mask)
        for layer in self.layers:
            steps = layer(steps, keys)
        return self.readout(self.norm(steps), seq)  # type: ignore[no-any-return]

    def _inputs(self, seq: Seq) -> Tensor:
        vectors: Tensor = self.inputs(seq)
        if self.clock is None:
            return vectors
        position = seq.position - seq.position[:, :1] if self.from_first else seq.position
        return vectors + existing(self.clock(existing(position, seq.mask)).to(vectors.dtype), seq.mask)


class Layer(nn.Module):
    """Maps "B T D" to the same shape; `keys` "B 1 1 T" says which steps may be looked at, None: those that are not later."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads, self.dropout = config.heads, config.dropout
        self.norms = nn.ModuleList(nn.LayerNorm(config.width) for _ in range(2))
        self.queries = nn.Linear(config.width, 3 * config.width)  # and keys, and values
        self.out = nn.Linear(config.width, config.width)
        self.forwards = nn.Sequential(
            nn.Linear(config.width, 4 * config.width), nn.GELU(), nn.Linear(4 * config.width, config.width)
        )
        self.added = nn.Dropout(config.dropout)

    def forward(self, steps: Tensor, keys: Tensor | None) -> Tensor:
        steps = steps + self.added(self._attended(self.norms[0](steps), keys))
        return steps + self.added(self.forwards(self.norms[1](steps)))  # type: ignore[no-any-return]

    def _attended(self, steps: Tensor, keys: Tensor | None) -> Tensor:
        query, key, value = (  # B heads T d
            part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.queries(steps).chunk(3, 2)
        )
        found = functional.scaled_dot_product_attention(
            query, key, value, keys, self.dropout if self.training else 0.0, is_causal=keys is None
        )
        return self.out(found.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


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
    if config.width % config.heads:
        raise ConfigError(
            f"a width of {config.width} cannot be shared by {config.heads} heads", hint="make width a multiple of heads"
        )
    return Transformer(spec, config)
