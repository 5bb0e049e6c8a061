"""Layers of recurrent cells over padded rows: nothing is packed, and reading backwards turns each row within its own length.

A cell maps inputs "B T I" and the state before the first step "B H" to the states "B T H". Padding follows the steps that exist,
so what it does to a state is read by nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal, TypeAlias

import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.nn.gated import gated
from sequela.nn.mask import reverse
from sequela.nn.pool import Pool
from sequela.nn.readout import Initial, beside
from sequela.nn.steps import Flat, VisitName
from sequela.types import Encoded, Seq, Spec

MakeCell: TypeAlias = Callable[[int, int], nn.Module]  # width of the inputs, width of the state -> a cell
States: TypeAlias = list[tuple[Tensor, ...]]  # of each cell "B H", and of an LSTM its memory


class Config(Strict, frozen=True):
    """Options that every recurrent encoder takes."""

    width: Annotated[int, Meta(ge=1)] = 64  # of the state, in each direction
    layers: Annotated[int, Meta(ge=1)] = 1  # each reads the steps of the one below
    bidirectional: bool = False
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # between layers, and of the pooled vector
    pool: str | list[str] = "last"  # last, mean, max, attention, or several side by side ("last+mean+max")
    embedding: Annotated[int, Meta(ge=0)] = 0  # width of a code's vector; 0: that of the state
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean


class Recurrent(nn.Module):
    """Steps "B T D" with D as `steps_width`, and a pooled vector "B width".

    Numbers of the row (`context`) give each cell's first state, through a linear map and tanh, and follow the pooled vector.
    A row without steps is pooled to zeros (and its context).
    """

    gives = frozenset({"pooled", "steps"})

    def __init__(self, spec: Spec, config: Config, cell: MakeCell) -> None:
        super().__init__()
        self.flat = Flat(spec, config.embedding or config.width, config.visit)
        self.stack = Stack(self.flat.width, config, cell)
        self.initial = Initial(spec, self.stack.states * config.width)
        self.steps_width = self.stack.width
        self.pool = Pool(config.pool, self.steps_width, config.bidirectional)
        self.dropout = nn.Dropout(config.dropout)
        self.width = self.pool.width + spec.context
        self.causal = not config.bidirectional

    def forward(self, seq: Seq) -> Encoded:
        inputs = self.flat(seq)
        steps = self.stack(inputs, seq.mask, self.initial(seq, inputs))
        return Encoded(steps, seq.mask, beside(self.dropout(self.pool(steps, seq.mask)), seq))

    @property
    def carries(self) -> bool:
        """Whether it can go on from a state (contracts.Stateful)."""
        return self.causal and self.pool.parts == ("last",)

    def carry(self, seq: Seq, state: States | None, ends: Tensor) -> tuple[Encoded, States]:
        """See contracts.Stateful."""
        inputs = self.flat(seq)
        steps, after = self.stack.carry(inputs, state or self.stack.begun(self.initial(seq, inputs)))
        return Encoded(steps, seq.mask, ended(steps, ends, seq)), after


def ended(steps: Tensor, ends: Tensor, seq: Seq) -> Tensor:
    """The vectors "R D" of one row as it stood after each of some of its steps, the numbers of the row behind them."""
    return beside(steps[0, ends], replace(seq, context=None if seq.context is None else seq.context.expand(len(ends), -1)))


class Stack(nn.Module):
    """Layers of cells, each in one direction or both, with dropout between them; `states` counts the cells."""

    def __init__(self, width_in: int, config: Config, cell: MakeCell, dropout: nn.Module | None = None) -> None:
        super().__init__()
        self.state = config.width
        self.width = config.width * (2 if config.bidirectional else 1)
        widths = [width_in, *[self.width] * (config.layers - 1)]
        self.ahead = nn.ModuleList(cell(width, config.width) for width in widths)
        self.back = nn.ModuleList(cell(width, config.width) for width in widths if config.bidirectional)
        self.dropout = dropout or nn.Dropout(config.dropout)
        self.states = len(self.ahead) + len(self.back)

    def forward(self, inputs: Tensor, mask: Tensor, initial: Tensor) -> Tensor:
        """The steps "B T width" of the last layer; `initial` "B states*state" holds every cell's state before the first step."""
        starts = list(initial.chunk(self.states, 1))
        steps = inputs
        for layer, ahead in enumerate(self.ahead):
            steps = steps if layer == 0 else self.dropout(steps)
            back = reverse(self.back[layer](reverse(steps, mask), starts.pop()), mask) if self.back else None
            steps = ahead(steps, starts[layer])
            steps = steps if back is None else torch.cat([steps, back], 2)
        return steps

    def begun(self, initial: Tensor) -> States:
        """The states to carry from, before the first step."""
        return [(start,) for start in initial.chunk(self.states, 1)]

    def carry(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        """The steps "B T width" of the last layer, read from these states on, and the states after them. Of one direction."""
        steps, after = inputs, []
        for ahead, state in zip(self.ahead, states, strict=True):
            steps, last = ahead.carry(steps, state) if isinstance(ahead, Fused) else _carried(ahead, steps, state)
            after.append(last)
        return steps, after


def _carried(cell: nn.Module, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Of a cell whose output is all its state."""
    steps = cell(inputs, state[0])
    return steps, (steps[:, -1],)


class Fused(nn.Module):
    """One layer of torch's own RNN, LSTM or GRU as a cell; an LSTM's memory starts at 0."""

    def __init__(self, layer: nn.RNN | nn.LSTM | nn.GRU) -> None:
        super().__init__()
        self.layer = layer
        self.remembers = isinstance(layer, nn.LSTM)

    def forward(self, inputs: Tensor, initial: Tensor) -> Tensor:
        start = initial.unsqueeze(0).contiguous()
        steps: Tensor = self.layer(inputs, (start, torch.zeros_like(start)) if self.remembers else start)[0]
        return steps

    def carry(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The states of these steps, read on from a state (of an LSTM, and its memory), and the last with the memory."""
        start = state[0].unsqueeze(0).contiguous()
        if not self.remembers:
            steps, last = self.layer(inputs, start)
            return steps, (last[0],)
        steps, (last, memory) = self.layer(inputs, (start, state[1].unsqueeze(0) if len(state) > 1 else torch.zeros_like(start)))
        return steps, (last[0], memory[0])


def fused(name: Literal["lstm", "gru"]) -> MakeCell:
    """Makes cells that are torch's own LSTM or GRU."""
    kind = nn.LSTM if name == "lstm" else nn.GRU

    def cell(width_in: int, width: int) -> nn.Module:
        return Fused(kind(width_in, width, batch_first=True))

    return cell


def long_short(forget_bias: float) -> MakeCell:
    """Makes cells that are torch's own LSTM, whose forget gate starts at this bias."""

    def cell(width_in: int, width: int) -> nn.Module:
        layer = nn.LSTM(width_in, width, batch_first=True)
        for name, start in (("bias_ih_l0", forget_bias), ("bias_hh_l0", 0.0)):  # torch adds two biases
            nn.init.constant_(layer.get_parameter(name)[width : 2 * width], start)
        return Fused(layer)

    return cell


class Sigmoid(nn.Module):
    """h(t) = sigmoid(W x + b + U h(t-1)), the one nonlinearity that torch's RNN lacks."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(width_in, width)
        self.state = nn.Linear(width, width, bias=False)
        _uniform(self, width)

    def forward(self, inputs: Tensor, initial: Tensor) -> Tensor:
        state, states = initial, []
        for step in self.inputs(inputs).unbind(1):
            state = torch.sigmoid(step + self.state(state))
            states.append(state)
        return torch.stack(states, 1)


class ResetBefore(nn.Module):
    """The GRU as Cho 2014 wrote it: see `nn/gated.py`. The update gate is the share of the new, as in Chung 2014."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(width_in, 3 * width)
        self.gates = nn.Parameter(torch.empty(width, 2 * width))
        self.candidate = nn.Parameter(torch.empty(width, width))
        _uniform(self, width)

    def forward(self, inputs: Tensor, initial: Tensor) -> Tensor:
        return gated(self.inputs(inputs.transpose(0, 1)), None, self.gates, self.candidate, initial).transpose(0, 1)


def _uniform(module: nn.Module, width: int) -> None:
    """The first weights, drawn as torch draws those of its own recurrent layers."""
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)
