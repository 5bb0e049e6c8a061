"""T-LSTM: an LSTM whose short-term memory fades with the time since the step before (Baytas 2017).

    s = tanh(D c(t-1) + b)               the short-term part of the memory
    c' = c(t-1) - s + g(d) s             g(d) = 1 / log(e + d), d the time since the step before
    i, f, o, n of x(t) and h(t-1) as in the LSTM
    c(t) = f c' + i n                    h(t) = o tanh(c(t))

g is the paper's choice for long times. d is the difference of `position`, 0 at the first step, divided by `elapsed`: of positions
in days, 1 counts days and 0.0417 hours. g is 1 at 0, 0.76 after one unit, 0.29 after 30, 0.17 after 365. Numbers of the row
(`context`) give the first h; the memory starts at 0.
"""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.nn.mask import existing
from sequela.nn.readout import Initial, Readout
from sequela.nn.steps import Flat, VisitName
from sequela.nn.time import since_step
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 64  # of the state
    elapsed: Annotated[float, Meta(gt=0)] = 1.0  # what counts as one unit of time, in the unit of position
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    pool: str | list[str] = "last"  # last, mean, max, attention, or several side by side
    embedding: Annotated[int, Meta(ge=0)] = 0  # width of a code's vector; 0: that of the state
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean
    forget_bias: float = 1.0  # at the start


class TLSTM(nn.Module):
    """Steps "B T width" and a pooled vector of as many widths as `pool` has parts, plus the context."""

    gives = frozenset({"pooled", "steps"})
    causal = True

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.elapsed = config.elapsed
        self.flat = Flat(spec, config.embedding or config.width, config.visit)
        self.cell = Cell(self.flat.width, config.width, config.forget_bias)
        self.initial = Initial(spec, config.width)
        self.readout = Readout(spec, config.width, config.pool, config.dropout)
        self.steps_width = config.width
        self.width = self.readout.width

    def forward(self, seq: Seq) -> Encoded:
        inputs = self.flat(seq)
        steps = self.cell(inputs, self._kept(seq).to(inputs.dtype), self.initial(seq, inputs))
        return self.readout(steps, seq)  # type: ignore[no-any-return]

    def _kept(self, seq: Seq) -> Tensor:
        """How much of the short-term memory is left at each step, (0, 1] "B T 1"."""
        since = existing(since_step(seq.position), seq.mask) / self.elapsed
        return (torch.e + since).log().reciprocal().unsqueeze(2)


class Cell(nn.Module):
    """The recurrence, over inputs "B T I" and what is kept "B T 1", from the state "B H" on."""

    def __init__(self, width_in: int, width: int, forget_bias: float) -> None:
        super().__init__()
        self.inputs = nn.Linear(width_in, 4 * width)  # input, forget, output, new
        self.state = nn.Linear(width, 4 * width, bias=False)
        self.short = nn.Linear(width, width)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)
        nn.init.constant_(self.inputs.bias[width : 2 * width], forget_bias)

    def forward(self, inputs: Tensor, kept: Tensor, initial: Tensor) -> Tensor:
        state, memory, states = initial, torch.zeros_like(initial), []
        for projected, faded in zip(self.inputs(inputs).unbind(1), (1 - kept).unbind(1), strict=True):
            memory = memory - faded * self.short(memory).tanh()
            gates = projected + self.state(state)
            into, forget, out = gates[:, : 3 * state.shape[1]].sigmoid().chunk(3, 1)
            memory = forget * memory + into * gates[:, 3 * state.shape[1] :].tanh()
            state = out * memory.tanh()
            states.append(state)
        return torch.stack(states, 1)


def build(spec: Spec, config: Config) -> TLSTM:
    """A T-LSTM over codes, numbers, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """
    return TLSTM(spec, config)
