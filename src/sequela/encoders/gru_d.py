"""GRU-D: a GRU for irregular, incomplete series that decays inputs and state with the time since they were seen (Che 2018).

    x = m v + (1 - m) (g v' + (1 - g) mean)    v' the value seen last, g = exp(-max(0, w d + b)), d the time since
    h <- exp(-max(0, W d + b)) h               before each step
    z, r, n as in the GRU of Cho 2014, over x and the mask m

All decays and the inputs' share of the gates are computed ahead for all steps; `nn/gated.py` holds the recurrence. The time since
is the step's `side` where that has a number for each feature (in any unit; the decays are learnt), else it is computed from
`position` and `seen` as Che 2018 has it. Numbers of the row (`context`) give the initial state and follow the pooled vector.
"""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn.gated import gated
from sequela.nn.mask import existing
from sequela.nn.readout import Initial, Readout
from sequela.nn.time import carried, since_seen
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 64  # of the state
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    pool: str | list[str] = "last+mean+max"  # last, mean, max, attention, or several side by side
    hide: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # share of the seen entries that are hidden in training, drawn at every step
    learn_mean: bool = False  # the value that inputs decay to: learnt, or 0, the training mean of scaled values


class GRUD(nn.Module):
    """Steps "B T width" and a pooled vector of as many widths as `pool` has parts, plus the context."""

    gives = frozenset({"pooled", "steps"})
    causal = True

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        features = _features(spec)
        self.timed = spec.side > 0
        self.hide = config.hide
        self.mean = nn.Parameter(torch.zeros(features), requires_grad=config.learn_mean)
        self.input_decay = InputDecay(features)
        self.state_decay = StateDecay(features, config.width)
        self.inputs = nn.Linear(2 * features, 3 * config.width)
        self.gates = nn.Parameter(torch.empty(config.width, 2 * config.width))
        self.candidate = nn.Parameter(torch.empty(config.width, config.width))
        self.initial = Initial(spec, config.width)
        self.readout = Readout(spec, config.width, config.pool, config.dropout)
        self.steps_width = config.width
        self.width = self.readout.width
        for weight in (self.gates, self.candidate, self.inputs.weight):
            nn.init.uniform_(weight, -(config.width**-0.5), config.width**-0.5)

    def forward(self, seq: Seq) -> Encoded:
        return self.readout(self._states(seq), seq)  # type: ignore[no-any-return]

    def _states(self, seq: Seq) -> Tensor:
        seen = self._seen(seq)
        since = self._since(seq, seen).to(seq.values.dtype).transpose(0, 1).contiguous()  # T B F from here on
        filled = self._filled(seq.values.transpose(0, 1), seen.transpose(0, 1), since)
        inputs = torch.cat([filled, seen.transpose(0, 1).to(since.dtype)], 2)
        states = gated(self.inputs(inputs), self.state_decay(since), self.gates, self.candidate, self.initial(seq, since))
        return states.transpose(0, 1)

    def _seen(self, seq: Seq) -> Tensor:
        present: Tensor = seq.mask.unsqueeze(2).expand(seq.values.shape)
        seen = present if seq.seen is None else present & seq.seen
        if not (self.training and self.hide):
            return seen
        return seen & (torch.rand(seen.shape, device=seen.device) >= self.hide)

    def _since(self, seq: Seq, seen: Tensor) -> Tensor:
        since: Tensor = seq.side if self.timed else since_seen(seq.position, seen)
        return existing(since, seq.mask)

    def _filled(self, values: Tensor, seen: Tensor, since: Tensor) -> Tensor:
        """The values where they were seen, elsewhere the value seen last on its way to the mean."""
        kept = self.input_decay(since, ~seen)
        return torch.addcmul(self.mean, kept, carried(values, seen, self.mean) - self.mean)


class InputDecay(nn.Module):
    """How much of the value seen last is left, by feature: (0, 1] "T B F" of the time since; all of it where not absent."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.empty(features).uniform_(0, 0.1))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, since: Tensor, absent: Tensor) -> Tensor:
        rate = torch.relu(torch.addcmul(self.bias, since, self.rate))
        return (rate * -absent.to(rate.dtype)).exp()


class StateDecay(nn.Module):
    """How much of each number of the state is left: (0, 1] "T B D" of the time since each feature was seen.

    It starts near 1 (5 % lost at a step where everything was seen ten units ago): the usual symmetric start, over tens of hours
    and of features, forgets half of the state at once and lets the other half without a gradient.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.rate = nn.Linear(features, width)
        nn.init.uniform_(self.rate.weight, 0, 0.01 / features)
        nn.init.zeros_(self.rate.bias)

    def forward(self, since: Tensor) -> Tensor:
        return torch.relu(self.rate(since)).neg().exp()


def _features(spec: Spec) -> int:
    if len(spec.shape) != 1 or spec.vocabulary:
        raise ConfigError(
            f"gru_d reads steps of F numbers each; {spec.kind!r} gives "
            + ("codes" if spec.vocabulary else f"shape {spec.shape}"),
            hint="use it with modality = 'measurements', or another encoder",
        )
    if spec.side not in (0, spec.shape[0]):
        raise ConfigError(
            f"gru_d takes a time for each of {spec.shape[0]} features beside a step; {spec.kind!r} gives {spec.side} numbers",
            hint="have `side` hold the time since each feature was seen, or nothing",
        )
    return spec.shape[0]


def build(spec: Spec, config: Config) -> GRUD:
    """A GRU-D for steps of F numbers.

    Raises ConfigError for codes, windows and images, and where a step's `side` is not one number a feature.
    """
    return GRUD(spec, config)
