"""Layers of recurrent cells over padded rows: nothing is packed, and reading backwards turns each row within its own length.

A cell maps inputs "B T I" and the state before the first step "B H" to the states "B T H". Padding follows the steps that exist,
so what it does to a state is read by nobody.
"""

from __future__ import annotations

from collections.abc import Callable
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


class Stack(nn.Module):
    """Layers of cells, each in one direction or both, with dropout between them; `states` counts the cells."""

    def __init__(self, width_in: int, config: Config, cell: MakeCell) -> None:
        super().__init__()
        self.state = config.width
        self.width = config.width * (2 if config.bidirectional else 1)
        widths = [width_in, *[self.width] * (config.layers - 1)]
        self.ahead = nn.ModuleList(cell(width, config.width) for width in widths)
        self.back = nn.ModuleList(cell(width, config.width) for width in widths if config.bidirectional)
        self.dropout = nn.Dropout(config.dropout)
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


def fused(name: Literal["lstm", "gru"]) -> MakeCell:
    """Makes cells that are torch's own LSTM or GRU."""
    kind = nn.LSTM if name == "lstm" else nn.GRU

    def cell(width_in: int, width: int) -> nn.Module:
        return Fused(kind(width_in, width, batch_first=True))

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
